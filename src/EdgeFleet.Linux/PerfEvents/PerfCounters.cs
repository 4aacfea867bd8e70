using System.Buffers.Binary;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>
/// Counters of the calling thread and of every thread that it starts afterwards: to be opened before a session is made, on
/// the thread that makes it, so that the runtime's workers inherit them. One descriptor per event, not grouped: a group that
/// does not fit the processor counts nothing at all.
/// </summary>
public sealed class PerfCounters : IDisposable
{
    // perf_event_open(2) with TOTAL_TIME_ENABLED and TOTAL_TIME_RUNNING: value, enabled ns, running ns.
    private const int AnswerSize = 24;

    private readonly IPerfKernel _kernel;
    private readonly Counter[] _counters;

    /// <param name="kernel">Who counts.</param>
    /// <param name="files">Where the reasons of a refusal are looked up.</param>
    /// <param name="events">Not more hardware events than fit at once: see <see cref="PerfPlan"/>.</param>
    /// <param name="threadId">0: the calling thread.</param>
    public PerfCounters(IPerfKernel kernel, ISystemFiles files, IEnumerable<PerfEvent> events, int threadId = 0)
    {
        _kernel = kernel;
        Span<byte> attributes = stackalloc byte[PerfAttributes.Size];
        List<Counter> counters = [];
        foreach (PerfEvent item in events)
        {
            PerfAttributes.Write(item, attributes);
            int descriptor = kernel.Open(attributes, threadId, out Errno error);
            counters.Add(new Counter(item, descriptor, descriptor < 0 ? PerfRefusal.Describe(item, error, files) : null));
        }
        _counters = [.. counters];
    }

    /// <summary>At least one event is counted.</summary>
    public bool IsCounting => _counters.Any(counter => counter.Reason is null);

    /// <summary>Begins a window: counts from here. Allocates nothing.</summary>
    public void Start()
    {
        foreach (Counter counter in _counters)
        {
            if (counter.Reason is null)
            {
                // A difference and no reset: that would leave the two times as they are.
                counter.ReadFailed = Read(counter, out counter.Before);
            }
        }
        Control(PerfRequest.Enable);
    }

    /// <summary>Ends the window. Allocates nothing.</summary>
    public void Stop() => Control(PerfRequest.Disable);

    /// <summary>What was counted between the last <see cref="Start"/> and <see cref="Stop"/>.</summary>
    public IReadOnlyList<PerfCount> Read() => [.. _counters.Select(ReadOne)];

    public void Dispose()
    {
        foreach (Counter counter in _counters)
        {
            if (counter.Descriptor >= 0)
            {
                _kernel.Close(counter.Descriptor);
                counter.Descriptor = -1;
                counter.Reason = "the counters were closed";
            }
        }
    }

    private PerfCount ReadOne(Counter counter)
    {
        if (counter.Reason is not null)
        {
            return new PerfCount { Event = counter.Event, Reason = counter.Reason };
        }
        Errno error = Read(counter, out Answer after);
        error = counter.ReadFailed == Errno.None ? error : counter.ReadFailed;
        Answer window = after - counter.Before;
        return error != Errno.None ? Absent(error.Describe())
            : window.Enabled <= 0 ? Absent("the thread did not run while it was counted")
            : window.Running <= 0 ? Absent("the processor had no counter free for it in all that time")
            : new PerfCount { Event = counter.Event, Count = window.Value, RunningShare = Math.Min(1, (double)window.Running / window.Enabled) };

        PerfCount Absent(string reason) => new() { Event = counter.Event, Reason = $"{counter.Event.Name}: {reason}" };
    }

    private Errno Read(Counter counter, out Answer answer)
    {
        Span<byte> bytes = stackalloc byte[AnswerSize];
        Errno error = _kernel.Read(counter.Descriptor, bytes, out int count);
        answer = new Answer(
            BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));
        return error == Errno.None && count != AnswerSize ? Errno.Eio : error;
    }

    private void Control(PerfRequest request)
    {
        foreach (Counter counter in _counters)
        {
            if (counter.Reason is null && _kernel.Control(counter.Descriptor, request) is var error and not Errno.None)
            {
                counter.ReadFailed = error;
            }
        }
    }

    private readonly record struct Answer(long Value, long Enabled, long Running)
    {
        public static Answer operator -(Answer later, Answer earlier) =>
            new(later.Value - earlier.Value, later.Enabled - earlier.Enabled, later.Running - earlier.Running);
    }

    private sealed class Counter(PerfEvent item, int descriptor, string? reason)
    {
        public PerfEvent Event { get; } = item;
        public int Descriptor { get; set; } = descriptor;
        public string? Reason { get; set; } = reason;
        public Errno ReadFailed { get; set; }
        public Answer Before;
    }
}
