using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// The frozen random order in which devices are taken. Each device's place depends on the seed and its own name only, so
/// the order does not depend on how the store lists them.
/// </summary>
internal static class EnrolmentOrder
{
    public static IEnumerable<T> Permute<T>(IEnumerable<T> devices, Func<T, string> id, ulong seed) =>
        devices.Select(device => (Device: device, Id: id(device), Key: Key(id(device), seed)))
            .OrderBy(d => d.Key)
            .ThenBy(d => d.Id, StringComparer.Ordinal)
            .Select(d => d.Device);

    private static ulong Key(string id, ulong seed)
    {
        byte[] text = new byte[sizeof(ulong) + Encoding.UTF8.GetByteCount(id)];
        BinaryPrimitives.WriteUInt64LittleEndian(text, seed);
        Encoding.UTF8.GetBytes(id, text.AsSpan(sizeof(ulong)));
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text));
    }
}
