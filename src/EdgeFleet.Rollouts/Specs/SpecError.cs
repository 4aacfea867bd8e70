namespace EdgeFleet.Rollouts.Specs;

/// <summary>One thing wrong with a file that an operator wrote: where, what, and what is allowed.</summary>
/// <param name="Path">The key, for example <c>spec.margins.latencyP50Percent</c>; empty for the whole document.</param>
/// <param name="Line">Line in the file, from 1.</param>
/// <param name="Column">Column, from 1.</param>
/// <param name="Message">Names the value and what is allowed.</param>
public sealed record SpecError(string Path, long Line, long Column, string Message)
{
    public override string ToString() => Path.Length == 0 ? $"line {Line}: {Message}" : $"line {Line}: {Path}: {Message}";
}
