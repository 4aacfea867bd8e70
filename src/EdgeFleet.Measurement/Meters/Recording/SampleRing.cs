namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>The last samples, with the reasons of those that are absent. One thread adds, any thread takes copies.</summary>
internal sealed class SampleRing(int capacity)
{
    private readonly Lock _lock = new();
    private readonly EnergySample[] _samples = new EnergySample[capacity];
    private readonly string?[] _reasons = new string?[capacity];
    private long _added;

    public void Add(in EnergySample sample, string? reason)
    {
        lock (_lock)
        {
            int slot = (int)(_added % capacity);
            (_samples[slot], _reasons[slot]) = (sample, reason);
            _added++;
        }
    }

    public long Added
    {
        get
        {
            lock (_lock)
            {
                return _added;
            }
        }
    }

    public long? LastTicks
    {
        get
        {
            lock (_lock)
            {
                return _added == 0 ? null : _samples[(int)((_added - 1) % capacity)].Ticks;
            }
        }
    }

    /// <summary>
    /// The samples of the window and, where there are such, <paramref name="margin"/> good ones before and behind it.
    /// </summary>
    /// <param name="forgotten">Samples of the window were overwritten.</param>
    public EnergySample[] Copy(long from, long to, int margin, out string? reason, out bool forgotten)
    {
        lock (_lock)
        {
            long oldest = Math.Max(0, _added - capacity);
            long first = _added;
            for (int good = 0; first > oldest && good < margin; first--)
            {
                EnergySample sample = At(first - 1);
                good += sample.Ticks <= from && !sample.IsAbsent ? 1 : 0;
            }
            long end = first;
            for (int good = 0; end < _added && good < margin; end++)
            {
                EnergySample sample = At(end);
                good += sample.Ticks >= to && !sample.IsAbsent ? 1 : 0;
            }
            forgotten = first == oldest && oldest > 0 && At(first).Ticks > from;
            EnergySample[] copy = new EnergySample[end - first];
            reason = null;
            for (long i = first; i < end; i++)
            {
                copy[i - first] = At(i);
                reason ??= _reasons[(int)(i % capacity)];
            }
            return copy;
        }
    }

    private ref readonly EnergySample At(long index) => ref _samples[(int)(index % capacity)];
}
