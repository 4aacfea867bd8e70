namespace EdgeFleet.Measurement.Hosts;

/// <summary>Arrivals at random at a mean rate: gaps are exponential, so the number in any stretch is Poisson.</summary>
internal static class Arrivals
{
    /// <returns>Offsets of the intended starts from the beginning, ascending, in the unit of the arguments.</returns>
    public static long[] Draw(ulong seed, long meanGap, long duration, int most)
    {
        SeededCoin coin = new(seed);
        List<long> starts = [];
        double at = 0;
        while (starts.Count < most)
        {
            at -= meanGap * Math.Log(1 - coin.Share());
            if (at >= duration)
            {
                break;
            }
            starts.Add((long)at);
        }
        return [.. starts];
    }
}
