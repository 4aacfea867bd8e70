using EdgeFleet.Linux.Files;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>What a start makes of the files that it finds.</summary>
public sealed partial class Outbox
{
    private const string BadSuffix = ".bad";

    private void Recover()
    {
        List<OutboxSegment> found = FindSegments();
        if (found.Count == 0)
        {
            Begin(boot: 0);
            return;
        }
        // A salvage is written in one step, so where two incarnations lie side by side the newer one is whole.
        long newest = found.Max(segment => segment.Boot);
        foreach (OutboxSegment older in found.Where(segment => segment.Boot < newest))
        {
            older.Delete();
        }
        found.RemoveAll(segment => segment.Boot < newest);
        Boot = newest;
        LastSeq = found[0].FirstSeq - 1;
        AcknowledgedSeq = LastSeq;

        bool sound = true;
        List<(OutboxEntry Entry, OutboxSegment Segment, long Offset, int Bytes)> entries = [];
        foreach (OutboxSegment segment in found)
        {
            (List<(OutboxEntry Entry, long Offset, int Bytes)> loaded, bool whole) = segment.Load();
            sound &= whole && LastSeq < segment.FirstSeq;
            LastSeq = Math.Max(LastSeq, segment.FirstSeq - 1);
            foreach ((OutboxEntry entry, long offset, int bytes) in loaded)
            {
                sound &= entry.Seq > LastSeq;
                LastSeq = Math.Max(LastSeq, entry.Seq);
                entries.Add((entry, segment, offset, bytes));
            }
        }
        if (!sound)
        {
            Salvage(found, [.. entries.Select(found => found.Entry)]);
            return;
        }
        _segments.AddRange(found);
        foreach ((OutboxEntry entry, OutboxSegment segment, long offset, int bytes) in entries)
        {
            Track(entry, segment, offset, bytes);
        }
        RecoverGap(entries.LastOrDefault(candidate => candidate.Entry.Topic == _gapTopic).Entry);
        _flushedSeq = LastSeq;
    }

    /// <summary>
    /// Damage in the middle, or a torn end: which numbers were given out is no longer certain, so a new incarnation begins and
    /// what can still be read goes into it under new numbers. The controller drops what it had by content.
    /// </summary>
    private void Salvage(List<OutboxSegment> damaged, List<OutboxEntry> readable)
    {
        Begin(damaged[0].Boot, [.. readable.Where(entry => entry.Topic != _gapTopic)]);
        foreach (string older in _files.List(_folder).Where(name => name.EndsWith(BadSuffix, StringComparison.Ordinal)))
        {
            // The newest damage is kept for a person to look at; all of it would fill the disk of a device that is often cut off.
            _files.Delete(Path.Join(_folder, older));
        }
        foreach (OutboxSegment segment in damaged)
        {
            segment.Close();
            _files.Rename(segment.Path, segment.Path + BadSuffix);
        }
        _files.FlushDirectory(_folder);
        Salvaged = readable.Count;
        LogSalvaged(_folder, Boot, readable.Count);
    }

    /// <summary>A new incarnation. Its number comes from the clock where that helps: a wiped folder must not give out old numbers again.</summary>
    private void Begin(long boot, IReadOnlyList<OutboxEntry>? salvaged = null)
    {
        Boot = Math.Max(boot + 1, _time.GetUtcNow().ToUnixTimeSeconds());
        LastSeq = 0;
        AcknowledgedSeq = 0;
        OutboxSegment segment = new(_files, _folder, Boot, 1);
        if (salvaged is not { Count: > 0 })
        {
            segment.Create();
            _segments.Add(segment);
            _flushedSeq = 0;
            return;
        }
        List<OutboxEntry> entries = [.. salvaged.Select((entry, index) => entry with { Seq = index + 1 })];
        List<byte[]> frames = [.. entries.Select(entry => entry.Encode())];
        segment.Rewrite(frames);
        _segments.Add(segment);
        long offset = 0;
        foreach ((OutboxEntry entry, byte[] frame) in entries.Zip(frames))
        {
            Track(entry, segment, offset, frame.Length);
            offset += frame.Length;
        }
        LastSeq = _flushedSeq = entries.Count;
    }

    /// <summary>The newest declaration says what was dropped; what a cut left behind of that is dropped now.</summary>
    private void RecoverGap(OutboxEntry? declaration)
    {
        if (declaration is null)
        {
            return;
        }
        foreach (Wire.SeqRange range in Wire.GapReport.Parser.ParseFrom(declaration.Body.Span).Dropped)
        {
            _gap.Add((long)range.First, (long)range.Last);
        }
        foreach (long seq in _order.Where(_gap.Contains).ToArray())
        {
            Forget(seq);
        }
        DeleteEmptySegments();
    }

    private List<OutboxSegment> FindSegments()
    {
        List<OutboxSegment> segments = [];
        foreach (string name in _files.List(_folder))
        {
            if (OutboxSegment.TryParse(name, out long boot, out long firstSeq))
            {
                segments.Add(new OutboxSegment(_files, _folder, boot, firstSeq));
            }
            else if (name.StartsWith(DurableFile.TemporaryPrefix, StringComparison.Ordinal))
            {
                _files.Delete(Path.Join(_folder, name));
            }
        }
        segments.Sort((left, right) => (left.Boot, left.FirstSeq).CompareTo((right.Boot, right.FirstSeq)));
        return segments;
    }

    [LoggerMessage(EventId = 3411, Level = LogLevel.Error, Message = "The outbox in {Folder} was damaged; its files are put aside as .bad, and incarnation {Boot} begins with the {Count} reports that could be read")]
    private partial void LogSalvaged(string folder, long boot, int count);
}
