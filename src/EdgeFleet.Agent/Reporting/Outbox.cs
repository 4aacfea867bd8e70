using EdgeFleet.Linux.Files;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Reporting;

/// <summary>
/// Reports that wait until the controller has them: numbered, on disk, kept until it says so. What has to be dropped for
/// lack of space is declared as a gap, so that the acknowledged number can go on. Safe to use from several threads.
/// </summary>
public sealed partial class Outbox : IDisposable
{
    /// <summary>Half of the largest packet that the controller takes from the broker.</summary>
    public const int LargestReport = 512 << 10;

    private readonly IFileStore _files;
    private readonly string _folder;
    private readonly OutboxOptions _options;
    private readonly string _gapTopic;
    private readonly TimeProvider _time;
    private readonly ILogger<Outbox> _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Item> _live = [];
    private readonly SortedSet<long> _order = [];
    private readonly Dictionary<string, long> _newestOfTopic = new(StringComparer.Ordinal);
    private readonly List<OutboxSegment> _segments = [];
    private GapLedger _gap = new();
    private long _liveBytes;
    private long _flushedSeq;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Outbox(IFileStore files, string folder, string gapTopic, OutboxOptions options, TimeProvider time, ILogger<Outbox> log)
    {
        _files = files;
        _folder = folder;
        _gapTopic = gapTopic;
        _options = options;
        _time = time;
        _log = log;
    }

    /// <summary>The incarnation: goes up when the numbers of the one before can no longer be trusted.</summary>
    public long Boot { get; private set; }
    public long LastSeq { get; private set; }
    /// <summary>Nothing up to here is kept any more: the controller has it, or it was declared as dropped.</summary>
    public long AcknowledgedSeq { get; private set; }

    /// <summary>Set where this start found damage: how many reports could still be read. What else was there is lost, and somebody should say so.</summary>
    public int? Salvaged { get; private set; }

    public int Count
    {
        get { lock (_gate) { return _live.Count; } }
    }

    public long LiveBytes
    {
        get { lock (_gate) { return _liveBytes; } }
    }

    /// <param name="gapTopic">Where gaps are declared.</param>
    public static Outbox Open(IFileStore files, string folder, string gapTopic, OutboxOptions options, TimeProvider time, ILogger<Outbox> log)
    {
        Outbox outbox = new(files, folder, gapTopic, options, time, log);
        lock (outbox._gate)
        {
            outbox.Recover();
        }
        return outbox;
    }

    /// <summary>Numbers a report and writes it; it is on disk after <see cref="Flush"/>, and sent only then.</summary>
    /// <param name="report">The report without its header.</param>
    /// <exception cref="IOException">It could not be written; nothing was numbered.</exception>
    /// <exception cref="ArgumentException">It is larger than the controller takes, and would stand in the way of all that come after it.</exception>
    public long Append(ReportClass reportClass, string topic, bool retain, IMessage report)
    {
        string contentType = Protocol.Topics.ContentType(report.GetType());
        int bytes = OutboxEntry.SizeOnDisk(topic, contentType, report.CalculateSize());
        if (bytes > LargestReport)
        {
            throw new ArgumentException($"a report of {bytes} bytes on '{topic}'; at most {LargestReport}", nameof(report));
        }
        lock (_gate)
        {
            MakeRoom(bytes);
            return Write(reportClass, topic, retain, contentType, report.ToByteArray(), _time.GetUtcNow());
        }
    }

    /// <summary>Puts everything appended on disk and lets it be sent.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_flushedSeq == LastSeq)
            {
                return;
            }
            _segments[^1].Flush();
            _flushedSeq = LastSeq;
            _more.TrySetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Completes when a report beyond <paramref name="seq"/> may be sent.</summary>
    public Task WaitForMoreAsync(long seq, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _flushedSeq > seq ? Task.CompletedTask : _more.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reports beyond a number in order, at most so many; only what is on disk.</summary>
    public IReadOnlyList<OutboxMessage> ReadAfter(long seq, int maximum)
    {
        lock (_gate)
        {
            List<OutboxMessage> messages = [];
            if (seq >= _flushedSeq)
            {
                return messages;
            }
            foreach (long number in _order.GetViewBetween(seq + 1, _flushedSeq))
            {
                if (messages.Count == maximum)
                {
                    break;
                }
                Item item = _live[number];
                if (item.Segment.Read(item.Offset, item.Bytes) is not { } entry)
                {
                    throw new IOException($"outbox '{item.Segment.Path}': report {number} at {item.Offset} was changed on disk");
                }
                messages.Add(new OutboxMessage(number, entry.Topic, entry.Retain, entry.ContentType, entry.Payload(Boot), entry.Time));
            }
            return messages;
        }
    }

    /// <summary>The controller has everything up to a number: it may go from here.</summary>
    public void Acknowledge(long boot, long contiguousSeq)
    {
        lock (_gate)
        {
            if (boot != Boot || contiguousSeq <= AcknowledgedSeq)
            {
                return;
            }
            // A number that was never given is a fault of the other side; believing it would swallow what comes next.
            AcknowledgedSeq = Math.Min(contiguousSeq, _flushedSeq);
            while (_order.Count > 0 && _order.Min <= AcknowledgedSeq)
            {
                Forget(_order.Min);
            }
            _gap.Acknowledge(AcknowledgedSeq);
            DeleteEmptySegments();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (OutboxSegment segment in _segments)
            {
                segment.Dispose();
            }
        }
    }

    private long Write(ReportClass reportClass, string topic, bool retain, string contentType, byte[] body, DateTimeOffset time)
    {
        if (_segments[^1].Length >= _options.SegmentBytes)
        {
            StartSegment();
        }
        OutboxSegment segment = _segments[^1];
        OutboxEntry entry = new(LastSeq + 1, time, reportClass, retain, topic, contentType, body);
        byte[] frame = entry.Encode();
        long offset = segment.Append(frame);
        LastSeq++;
        Track(entry, segment, offset, frame.Length);
        return LastSeq;
    }

    private void Track(OutboxEntry entry, OutboxSegment segment, long offset, int bytes)
    {
        _live[entry.Seq] = new Item(segment, offset, bytes, entry.Class, entry.Topic);
        _order.Add(entry.Seq);
        _newestOfTopic[entry.Topic] = entry.Seq;
        _liveBytes += bytes;
        segment.Live++;
        segment.LiveBytes += bytes;
    }

    private void Forget(long seq)
    {
        Item item = _live[seq];
        _live.Remove(seq);
        _order.Remove(seq);
        _liveBytes -= item.Bytes;
        item.Segment.Live--;
        item.Segment.LiveBytes -= item.Bytes;
        if (_newestOfTopic.GetValueOrDefault(item.Topic) == seq)
        {
            _newestOfTopic.Remove(item.Topic);
        }
    }

    private void StartSegment()
    {
        if (_segments.Count > 0)
        {
            // What is in the old one must not be younger than what comes in the new one.
            _segments[^1].Flush();
            _segments[^1].Close();
        }
        OutboxSegment segment = new(_files, _folder, Boot, LastSeq + 1);
        segment.Create();
        _segments.Add(segment);
    }

    private void DeleteEmptySegments()
    {
        if (_segments[^1].Live == 0 && _segments[^1].Length >= _options.SegmentBytes / 4)
        {
            // The newest file carries the next number in its name: it goes only when one that does so too is there.
            StartSegment();
        }
        for (int i = _segments.Count - 2; i >= 0; i--)
        {
            if (_segments[i].Live == 0)
            {
                _segments[i].Delete();
                _segments.RemoveAt(i);
            }
        }
    }

    /// <summary>Where a live report lies.</summary>
    private sealed record Item(OutboxSegment Segment, long Offset, int Bytes, ReportClass Class, string Topic);
}

/// <summary>A report ready to be sent.</summary>
public sealed record OutboxMessage(long Seq, string Topic, bool Retain, string ContentType, byte[] Payload, DateTimeOffset Time);
