using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>What happens when space runs out.</summary>
public sealed partial class Outbox
{
    /// <summary>Drops down to this share of the capacity at a time, so that one declaration covers many.</summary>
    private const double LowWater = 0.75;
    private const string Reason = "the outbox was full";
    /// <summary>Far below the 65,536 ranges that the controller takes: each declaration names all of them again.</summary>
    private const int MostRanges = 1024;

    private void MakeRoom(int bytes)
    {
        if (_liveBytes + bytes <= _options.CapacityBytes)
        {
            return;
        }
        long excess = _liveBytes + bytes - (long)(_options.CapacityBytes * LowWater);
        List<long> dropped = [];
        foreach (Predicate<(long Seq, Item Item)> worthLess in s_worthLess(this))
        {
            foreach (long seq in _order)
            {
                if (excess <= 0)
                {
                    break;
                }
                if (worthLess((seq, _live[seq])))
                {
                    dropped.Add(seq);
                    excess -= _live[seq].Bytes;
                }
            }
        }
        if (dropped.Count > 0)
        {
            Drop(dropped);
        }
    }

    /// <summary>The gap with these in it. State that has been replaced goes too where it tears the gap into more ranges than one declaration holds.</summary>
    private GapLedger Widen(List<long> dropped)
    {
        GapLedger gap = _gap.With(dropped);
        if (gap.Ranges.Count > MostRanges)
        {
            HashSet<long> known = [.. dropped];
            dropped.AddRange(_order.Where(seq => s_worthLess(this)[^1]((seq, _live[seq])) && known.Add(seq)));
            gap = _gap.With(dropped);
        }
        return gap;
    }

    /// <summary>In this order: evidence, then state that a newer message on the same topic has replaced. Nothing else ever.</summary>
    private static readonly Func<Outbox, Predicate<(long Seq, Item Item)>[]> s_worthLess = outbox =>
    [
        candidate => candidate.Item.Class == ReportClass.Evidence,
        candidate => candidate.Item.Class == ReportClass.State && outbox._newestOfTopic[candidate.Item.Topic] != candidate.Seq,
    ];

    /// <summary>Declares first, on disk, and drops then: a cut in between sends a report that was declared lost, never loses one silently.</summary>
    private void Drop(List<long> dropped)
    {
        if (_newestOfTopic.TryGetValue(_gapTopic, out long older) && !dropped.Contains(older))
        {
            // The new declaration holds what the older one says, so the older one is among what goes.
            dropped.Add(older);
        }
        GapLedger gap = Widen(dropped);
        Wire.GapReport report = new() { Reason = Reason };
        report.Dropped.AddRange(gap.Ranges.Select(range => new Wire.SeqRange { First = (ulong)range.First, Last = (ulong)range.Last }));
        Write(ReportClass.State, _gapTopic, retain: false, Protocol.Topics.ContentType(typeof(Wire.GapReport)), report.ToByteArray(), _time.GetUtcNow());
        Flush();
        // Only now: where the disk did not take the declaration, nothing is dropped and nothing counts as dropped.
        _gap = gap;

        HashSet<OutboxSegment> touched = [];
        foreach (long seq in dropped)
        {
            touched.Add(_live[seq].Segment);
            Forget(seq);
        }
        foreach (OutboxSegment segment in touched.Where(segment => segment.Live > 0 && segment.LiveBytes < segment.Length / 2))
        {
            Compact(segment);
        }
        DeleteEmptySegments();
        LogDropped(dropped.Count, dropped.Min(), dropped.Max());
    }

    /// <summary>Gives back the bytes of what is no longer wanted.</summary>
    private void Compact(OutboxSegment segment)
    {
        List<(long Seq, Item Item)> kept = [.. _order.Select(seq => (seq, _live[seq])).Where(pair => pair.Item2.Segment == segment)];
        List<byte[]> frames = [];
        foreach ((long seq, Item item) in kept)
        {
            OutboxEntry entry = segment.Read(item.Offset, item.Bytes) ?? throw new IOException($"outbox '{segment.Path}': report {seq} at {item.Offset} was changed on disk");
            frames.Add(entry.Encode());
        }
        segment.Rewrite(frames);
        long offset = 0;
        foreach (((long seq, Item item), byte[] frame) in kept.Zip(frames))
        {
            _live[seq] = item with { Offset = offset, Bytes = frame.Length };
            offset += frame.Length;
        }
    }

    [LoggerMessage(EventId = 3401, Level = LogLevel.Warning, Message = "The outbox is full: {Count} reports between {First} and {Last} are dropped and declared as a gap")]
    private partial void LogDropped(int count, long first, long last);
}
