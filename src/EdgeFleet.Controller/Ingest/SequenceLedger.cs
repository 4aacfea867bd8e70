using System.Globalization;
using System.Text;

namespace EdgeFleet.Controller.Ingest;

/// <summary>What became of a sequence number that was shown to a ledger.</summary>
internal enum SequenceOutcome
{
    New,
    Duplicate,
    /// <summary>So many holes lie below it that it is not taken: it stays unacknowledged and the device sends it again.</summary>
    TooScattered,
}

/// <summary>
/// Which reports of one outbox incarnation are stored: everything up to <see cref="Contiguous"/>, and ranges beyond it that
/// arrived out of order. The device may forget what is contiguous, and nothing else.
/// </summary>
internal sealed class SequenceLedger
{
    /// <summary>Bounds the row: a device that loses every second message cannot make it grow without end.</summary>
    public const int MaximumRanges = 256;

    private readonly List<(long First, long Last)> _ahead;

    public SequenceLedger(long contiguous = 0, string ahead = "")
    {
        Contiguous = contiguous;
        _ahead = Parse(ahead);
    }

    public long Contiguous { get; private set; }

    public string Ahead
    {
        get
        {
            StringBuilder text = new();
            foreach ((long first, long last) in _ahead)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? "," : "")}{first}-{last}");
            }
            return text.ToString();
        }
    }

    public SequenceOutcome Take(long seq) => Take(seq, seq);

    /// <summary>Takes a range at once: what the device declares as dropped counts as seen.</summary>
    public SequenceOutcome Take(long first, long last)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
        if (last <= Contiguous)
        {
            return SequenceOutcome.Duplicate;
        }
        first = Math.Max(first, Contiguous + 1);
        int at = _ahead.FindIndex(range => range.Last >= first - 1);
        if (at >= 0 && _ahead[at].First <= first && _ahead[at].Last >= last)
        {
            return SequenceOutcome.Duplicate;
        }
        if (first == Contiguous + 1)
        {
            Contiguous = last;
            while (_ahead.Count > 0 && _ahead[0].First <= Contiguous + 1)
            {
                Contiguous = Math.Max(Contiguous, _ahead[0].Last);
                _ahead.RemoveAt(0);
            }
            return SequenceOutcome.New;
        }

        int merged = at < 0 ? _ahead.Count : at;
        (long First, long Last) range = (first, last);
        while (merged < _ahead.Count && _ahead[merged].First <= range.Last + 1)
        {
            range = (Math.Min(range.First, _ahead[merged].First), Math.Max(range.Last, _ahead[merged].Last));
            _ahead.RemoveAt(merged);
        }
        if (_ahead.Count >= MaximumRanges)
        {
            return SequenceOutcome.TooScattered;
        }
        _ahead.Insert(merged, range);
        return SequenceOutcome.New;
    }

    private static List<(long First, long Last)> Parse(string text)
    {
        List<(long, long)> ranges = [];
        if (text.Length == 0)
        {
            return ranges;
        }
        foreach (Range part in text.AsSpan().Split(','))
        {
            ReadOnlySpan<char> range = text.AsSpan()[part];
            int dash = range.IndexOf('-');
            ranges.Add((long.Parse(range[..dash], CultureInfo.InvariantCulture), long.Parse(range[(dash + 1)..], CultureInfo.InvariantCulture)));
        }
        return ranges;
    }
}
