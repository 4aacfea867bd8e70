using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// The frozen random order in which devices are taken. A device's place in the plain order depends on the seed and its own name
/// only, so it does not depend on how the store lists them. The stratified order takes from the plain one, again and again, the
/// first device whose stratum (its site) may have the next place, where after any k places each stratum must have its share
/// of k, rounded down or up.
/// </summary>
/// <remarks>
/// The promotion e-process is exact for a uniformly random order. A stratified one keeps each device's first place uniform and
/// the mean of a prefix unbiased up to rounding (each stratum's expected count lies within half a device of its share), and its
/// variance is no larger: what differs between sites no longer varies from draw to draw. So a run of lucky devices, which is
/// what promotes by mistake, becomes rarer. The tests draw classes that sit exactly at the margin, with the harm in
/// a few sites, and hold the rate of false promotions under alpha.
/// </remarks>
internal static class EnrolmentOrder
{
    public static IReadOnlyList<T> Draw<T>(IEnumerable<T> devices, Func<T, string> id, Func<T, string> stratum, ulong seed)
    {
        List<T> plain = [.. Permute(devices, id, seed)];
        List<Stratum> strata = [.. Enumerable.Range(0, plain.Count).GroupBy(i => stratum(plain[i]), StringComparer.Ordinal).Select(g => new Stratum([.. g], plain.Count))];
        return strata.Count < 2 ? plain : [.. Interleave(strata, plain.Count).Select(i => plain[i])];
    }

    private static IEnumerable<T> Permute<T>(IEnumerable<T> devices, Func<T, string> id, ulong seed) =>
        devices.Select(device => (Device: device, Id: id(device), Key: Key(id(device), seed)))
            .OrderBy(d => d.Key)
            .ThenBy(d => d.Id, StringComparer.Ordinal)
            .Select(d => d.Device);

    // Still's quota method with the plain order as the choice among those that are eligible. That there always is one follows
    // from the fractional schedule that gives each stratum its share of each place, which keeps every release and deadline.
    private static IEnumerable<int> Interleave(List<Stratum> strata, int count)
    {
        // Places before t that are left over when all those are filled that are due by t.
        int[] slack = new int[count + 1];
        foreach (Stratum stratum in strata)
        {
            for (int i = 0; i < stratum.Size; i++)
            {
                slack[stratum.Deadline(i)]--;
            }
        }
        for (int t = 1; t <= count; t++)
        {
            slack[t] += slack[t - 1] + 1;
        }

        for (int place = 0; place < count; place++)
        {
            int tight = place + 1;
            while (slack[tight] > 0)
            {
                tight++;
            }
            Stratum next = strata.Where(s => !s.Done && s.Release <= place && s.NextDeadline <= tight).MinBy(s => s.Next)!;
            for (int t = place + 1; t < next.NextDeadline; t++)
            {
                slack[t]--;
            }
            yield return next.Take();
        }
    }

    private static ulong Key(string id, ulong seed)
    {
        byte[] text = new byte[sizeof(ulong) + Encoding.UTF8.GetByteCount(id)];
        BinaryPrimitives.WriteUInt64LittleEndian(text, seed);
        Encoding.UTF8.GetBytes(id, text.AsSpan(sizeof(ulong)));
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text));
    }

    /// <summary>The devices of one site, by their places in the plain order of <paramref name="count"/> devices.</summary>
    private sealed class Stratum(int[] places, long count)
    {
        private int _taken;

        public int Size => places.Length;

        public bool Done => _taken == places.Length;

        public int Next => places[_taken];

        /// <summary>The first place that the next device may have: before it the stratum would hold more than its share, rounded up.</summary>
        public int Release => (int)(_taken * count / places.Length);

        public int NextDeadline => Deadline(_taken);

        /// <summary>How many places at most may be filled when this device is among them: after more, the stratum would hold less than its share, rounded down.</summary>
        public int Deadline(int device) => (int)((((device + 1) * count) + places.Length - 1) / places.Length);

        public int Take() => places[_taken++];
    }
}
