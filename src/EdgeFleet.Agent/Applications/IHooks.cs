namespace EdgeFleet.Agent.Applications;

/// <summary>Runs the program that tells an application of other files.</summary>
internal interface IHooks
{
    Task<HookResult> RunAsync(HookCall call, CancellationToken cancellationToken);
}

/// <param name="Environment">What the hook is told; see <c>fleet/examples/applications/README.md</c>.</param>
internal sealed record HookCall(FileModeEntry Entry, IReadOnlyDictionary<string, string> Environment);

internal abstract record HookResult
{
    private HookResult() { }

    public sealed record Done : HookResult;

    /// <param name="Detail">The exit code and the end of its output.</param>
    public sealed record Failed(string Detail) : HookResult;

    public sealed record TimedOut(string Detail) : HookResult;

    /// <summary>Nothing was run: the device's set-up is at fault, not the model.</summary>
    public sealed record NotStarted(string Detail) : HookResult;
}
