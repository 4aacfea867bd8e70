using System.Diagnostics;
using System.Threading.Channels;

namespace EdgeFleet.Agent.Serving.Labels;

/// <summary>
/// Labels between the application that posts them and the shadow that collects them. Bounded; and closed while nobody collects,
/// because without a candidate on trial there is nothing that a label could say.
/// </summary>
internal sealed class LabelBox
{
    internal const int Slots = 8192;
    private static readonly long s_open = 15 * Stopwatch.Frequency;

    private readonly Channel<PostedLabel> _labels = Channel.CreateBounded<PostedLabel>(Slots);
    private long _openUntil = long.MinValue;
    private long _dropped;

    public bool IsOpen => Stopwatch.GetTimestamp() < Volatile.Read(ref _openUntil);

    /// <returns>How many were taken; the others found no room.</returns>
    public int Offer(IReadOnlyList<PostedLabel> labels)
    {
        if (!IsOpen)
        {
            return 0;
        }
        int taken = labels.TakeWhile(_labels.Writer.TryWrite).Count();
        Interlocked.Add(ref _dropped, labels.Count - taken);
        return taken;
    }

    /// <summary>Opens the box and takes what is there; also how many found no room since the last call.</summary>
    public (IReadOnlyList<PostedLabel> Labels, long Dropped) Take(int max)
    {
        bool wasOpen = IsOpen;
        Volatile.Write(ref _openUntil, Stopwatch.GetTimestamp() + s_open);
        if (!wasOpen)
        {
            // What lies there from an earlier trial is none of this one's.
            while (_labels.Reader.TryRead(out _))
            {
            }
            Interlocked.Exchange(ref _dropped, 0);
        }
        List<PostedLabel> taken = [];
        while (taken.Count < max && _labels.Reader.TryRead(out PostedLabel? label))
        {
            taken.Add(label);
        }
        return (taken, Interlocked.Exchange(ref _dropped, 0));
    }
}
