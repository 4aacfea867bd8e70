using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>
/// An application that loads its files itself, and its hook: what the hook does and what the application says of each digest is
/// the test's choice. It lives on when the agent ends.
/// </summary>
internal sealed class ScriptedApplication : IHooks
{
    public const string Model = "fashion";
    private readonly Lock _gate = new();
    private readonly List<HookCall> _calls = [];
    private HealthBoard? _board;

    /// <summary>What the hook does with a digest; null is a model that is taken away.</summary>
    public Func<Digest?, HookResult> Hook { get; set; } = static _ => new HookResult.Done();

    /// <summary>What the application says once it has loaded a digest; null: nothing.</summary>
    public Func<Digest, HealthReport?> Says { get; set; } = static _ => Healthy;

    public static HealthReport Healthy { get; } = new() { Instance = "1", Requests = 500, Errors = 0, Outputs = 40, LatencyMicros = new HealthLatency { P50 = 900, P95 = 1500 } };

    /// <summary>What it has loaded.</summary>
    public Digest? Loaded { get; private set; }

    public IReadOnlyList<HookCall> Calls
    {
        get { lock (_gate) { return [.. _calls]; } }
    }

    /// <summary>The digests that the hook was told of, in order; null for none.</summary>
    public IReadOnlyList<Digest?> Told => [.. Calls.Select(call => DigestOf(call))];

    /// <summary>Puts the model of this device into file mode, as the command does.</summary>
    public static void PutIntoFileMode(IFileStore disk, int silentSeconds = FileModeEntry.LongestSilenceSeconds)
    {
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        new FileModeEntry { Model = Model, Hook = "/opt/app/reload", SilentSeconds = silentSeconds }.Write(state);
    }

    /// <summary>An agent began: the application speaks to it.</summary>
    public void Attach(HealthBoard board)
    {
        _board = board;
        Speak();
    }

    /// <summary>The machine began again: the application loads what it finds.</summary>
    public void Restart(IFileStore disk)
    {
        Loaded = disk.ReadLink(new StateFolder(DeviceRig.Root, disk).Current(Model)) is { } target ? Digest.Parse(target.Split('/')[^2]) : null;
    }

    public void Speak()
    {
        if (Loaded is { } loaded && Says(loaded) is { } said)
        {
            _board?.Take(Model, loaded, said);
        }
    }

    public Task<HookResult> RunAsync(HookCall call, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _calls.Add(call);
        }
        Digest? digest = DigestOf(call);
        HookResult result = Hook(digest);
        if (result is HookResult.Done)
        {
            Loaded = digest;
            Speak();
        }
        return Task.FromResult(result);
    }

    private static Digest? DigestOf(HookCall call) => call.Environment["EDGEFLEET_DIGEST"] is { Length: > 0 } text ? Digest.Parse(text) : null;
}
