using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.State;

/// <summary>
/// A file that only takes space, given up when the disk is full: the few kilobytes that a rollback writes must always fit.
/// </summary>
internal sealed class DiskReserve(StateFolder state)
{
    private const int Bytes = 1 << 20;
    private const int NoSpace = 28;

    public static bool IsFull(Exception exception) => exception is IOException { HResult: NoSpace };

    /// <summary>Makes it where there is room for far more.</summary>
    public void Restore()
    {
        if (!state.Files.Exists(state.Reserve) && state.Files.AvailableBytes(state.Root) > 64L * Bytes)
        {
            DurableFile.Write(state.Files, state.Reserve, new byte[Bytes]);
        }
    }

    public void GiveUp() => DurableFile.Delete(state.Files, state.Reserve);
}
