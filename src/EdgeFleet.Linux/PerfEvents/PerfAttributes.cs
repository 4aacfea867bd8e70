using System.Buffers.Binary;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>The bytes of a <c>struct perf_event_attr</c> of version 5 (112 bytes; Linux 4.1 and newer take it).</summary>
public static class PerfAttributes
{
    public const int Size = 112;

    private const ulong Disabled = 1 << 0, Inherit = 1 << 1, ExcludeKernelFlag = 1 << 5, ExcludeHypervisor = 1 << 6;
    private const ulong TotalTimeEnabled = 1 << 0, TotalTimeRunning = 1 << 1;

    /// <param name="item">What to count.</param>
    /// <param name="attributes">112 bytes, all of which are written.</param>
    public static void Write(PerfEvent item, Span<byte> attributes)
    {
        attributes = attributes[..Size];
        attributes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(attributes, (uint)item.Type);
        BinaryPrimitives.WriteUInt32LittleEndian(attributes[4..], Size);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[8..], item.Config);
        // 16: sample_period, 24: sample_type. Nothing is sampled.
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[32..], TotalTimeEnabled | TotalTimeRunning);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[40..], Disabled | Inherit | (item.ExcludeKernel ? ExcludeKernelFlag | ExcludeHypervisor : 0));
    }
}
