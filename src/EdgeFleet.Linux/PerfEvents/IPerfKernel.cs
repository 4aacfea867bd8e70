using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>What is asked of an open counter.</summary>
public enum PerfRequest : uint
{
    /// <summary>PERF_EVENT_IOC_ENABLE, <c>_IO('$', 0)</c>.</summary>
    Enable = 0x2400,
    /// <summary>PERF_EVENT_IOC_DISABLE, <c>_IO('$', 1)</c>.</summary>
    Disable = 0x2401,
}

/// <summary>The kernel's side of counting; a test puts counts and errnos behind it.</summary>
public interface IPerfKernel
{
    /// <summary>perf_event_open(2) for a thread and all that it starts from then on, on any processor.</summary>
    /// <param name="attributes">A <c>struct perf_event_attr</c>.</param>
    /// <param name="threadId">0: the calling thread.</param>
    /// <param name="error">Why there is none.</param>
    /// <returns>A descriptor, or below 0.</returns>
    int Open(ReadOnlySpan<byte> attributes, int threadId, out Errno error);

    Errno Control(int descriptor, PerfRequest request);

    /// <summary>Reads what there is; a whole answer fills the buffer.</summary>
    Errno Read(int descriptor, Span<byte> buffer, out int count);

    void Close(int descriptor);
}
