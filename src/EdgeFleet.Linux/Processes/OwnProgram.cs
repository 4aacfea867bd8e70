namespace EdgeFleet.Linux.Processes;

/// <summary>How to start this same program once more.</summary>
/// <param name="FileName">The program, or <c>dotnet</c>.</param>
/// <param name="Arguments">What comes before the arguments of its own.</param>
public sealed record OwnProgram(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The running program; one that is run by <c>dotnet</c> (or a test host) is named by its assembly.</summary>
    /// <param name="assembly">File name of the assembly to run then, looked for beside the running one.</param>
    public static OwnProgram Find(string assembly)
    {
        string? self = Environment.ProcessPath;
        return self is null || Path.GetFileNameWithoutExtension(self) is "dotnet" or "testhost"
            ? new OwnProgram("dotnet", [Path.Join(AppContext.BaseDirectory, assembly)])
            : new OwnProgram(self, []);
    }

    public ChildProcessOptions With(params IReadOnlyList<string> arguments) => new() { FileName = FileName, Arguments = [.. Arguments, .. arguments] };
}
