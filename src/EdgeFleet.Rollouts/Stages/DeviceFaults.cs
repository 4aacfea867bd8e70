using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>What a device's ticks say of invariants, whether they are judged or not, and of the class as which they were measured.</summary>
internal sealed class DeviceFaults
{
    public static DeviceFaults None { get; } = new();

    public long Crashed { get; private set; }
    public long OutOfMemory { get; private set; }
    public long NonFinite { get; private set; }
    public long WrongShape { get; private set; }
    public long Failures { get; private set; }
    public long? PeakBytes { get; private set; }

    /// <summary>Ticks that were measured as another hardware class than the device was drawn in, and the last of those.</summary>
    public int ForeignTicks { get; private set; }
    public string? ForeignClass { get; private set; }

    public void Take(ShadowTick tick)
    {
        Crashed += tick.Crashed ? 1 : 0;
        OutOfMemory += tick.OutOfMemory ? 1 : 0;
        NonFinite += tick.CandidateNonFinite;
        WrongShape += tick.CandidateWrongShape;
        Failures += tick.CandidateFailures;
        PeakBytes = tick.CandidatePeakBytes is { } peak ? Math.Max(PeakBytes ?? peak, peak) : PeakBytes;
    }

    public void Foreign(string hardwareClass)
    {
        ForeignTicks++;
        ForeignClass = hardwareClass.Length > 0 ? hardwareClass : "no class at all";
    }
}
