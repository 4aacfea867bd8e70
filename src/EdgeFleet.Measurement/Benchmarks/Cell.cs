using System.Runtime.InteropServices;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>One measured cell of a block.</summary>
/// <param name="Nanos">Nanoseconds per inference of each sample.</param>
/// <param name="Hertz">The clock of what it ran on, as its window had closed; null where the device does not tell.</param>
internal sealed record Cell(MeasuredModel Model, CellReply Reply, double[] Nanos, int Batch, double? Hertz)
{
    public static Cell Of(MeasuredModel model, CellReply reply, int batch, double? hertz = null) =>
        new(model, reply, MemoryMarshal.Cast<byte, double>(reply.Nanos).ToArray(), batch, hertz);

    /// <summary>Middle value, the mean of the two middle ones for an even number; in the unit of the values.</summary>
    public static double Median(params IEnumerable<double> values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted.Length == 0
            ? throw new ArgumentException("no values have no median", nameof(values))
            : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
