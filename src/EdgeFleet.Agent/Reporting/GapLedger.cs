namespace EdgeFleet.Agent.Reporting;

/// <summary>The numbers of reports that were dropped and whose loss the controller has not confirmed yet, as ranges.</summary>
internal sealed class GapLedger
{
    private readonly SortedList<long, long> _ranges = [];

    public IReadOnlyList<(long First, long Last)> Ranges => [.. _ranges.Select(range => (range.Key, range.Value))];

    public bool IsEmpty => _ranges.Count == 0;

    public bool Contains(long seq)
    {
        int at = IndexAtOrBefore(seq);
        return at >= 0 && _ranges.Values[at] >= seq;
    }

    /// <summary>A copy that holds these numbers too.</summary>
    public GapLedger With(IEnumerable<long> dropped)
    {
        GapLedger copy = new();
        foreach ((long first, long last) in Ranges)
        {
            copy.Add(first, last);
        }
        foreach (long seq in dropped)
        {
            copy.Add(seq);
        }
        return copy;
    }

    public void Add(long seq) => Add(seq, seq);

    public void Add(long first, long last)
    {
        int at = IndexAtOrBefore(first);
        if (at >= 0 && _ranges.Values[at] >= first - 1)
        {
            first = _ranges.Keys[at];
            last = Math.Max(last, _ranges.Values[at]);
            _ranges.RemoveAt(at);
            at--;
        }
        while (at + 1 < _ranges.Count && _ranges.Keys[at + 1] <= last + 1)
        {
            last = Math.Max(last, _ranges.Values[at + 1]);
            _ranges.RemoveAt(at + 1);
        }
        _ranges.Add(first, last);
    }

    /// <summary>The controller knows of everything up to a number.</summary>
    public void Acknowledge(long seq)
    {
        while (_ranges.Count > 0 && _ranges.Keys[0] <= seq)
        {
            long last = _ranges.Values[0];
            _ranges.RemoveAt(0);
            if (last > seq)
            {
                _ranges.Add(seq + 1, last);
            }
        }
    }

    /// <summary>Index of the last range that begins at or before a number; -1 where there is none.</summary>
    private int IndexAtOrBefore(long seq)
    {
        int low = 0, high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges.Keys[middle] <= seq)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low - 1;
    }
}
