using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Everything that was timed, those cells too that do not count. Seconds count from the beginning of the benchmark.</summary>
public sealed record RawMeasurement
{
    public int SchemaVersion { get; init; } = 1;
    public IReadOnlyList<RawCell> Cells { get; init; } = [];
    /// <summary>The tail phase, nanoseconds per inference in the order measured; empty where there was none.</summary>
    public IReadOnlyList<double> BaselineTail { get; init; } = [];
    public IReadOnlyList<double> CandidateTail { get; init; } = [];
    /// <summary>What the meter read over the whole time; empty without one.</summary>
    public IReadOnlyList<PowerSample> Power { get; init; } = [];

    /// <summary>Writes it as gzipped JSON; the reference goes into the evidence.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public RawSamples Save(string path)
    {
        using (FileStream file = File.Create(path))
        using (GZipStream packed = new(file, CompressionLevel.Fastest))
        {
            JsonSerializer.Serialize(packed, this, RawMeasurementJsonContext.Default.RawMeasurement);
        }
        using FileStream written = File.OpenRead(path);
        return new RawSamples(path, Convert.ToHexStringLower(SHA256.HashData(written)), written.Length);
    }
}

/// <summary>One cell.</summary>
/// <param name="Block">Which block, in the order measured, discarded ones among them.</param>
/// <param name="Model"><c>baseline</c> or <c>candidate</c>.</param>
/// <param name="Batch">Inferences of one sample.</param>
/// <param name="Nanos">Nanoseconds per inference of each sample, in order.</param>
/// <param name="Counts">Whether its block counts.</param>
public sealed record RawCell(int Block, string Model, double BeginSeconds, double EndSeconds, int Batch, IReadOnlyList<double> Nanos, bool Counts);

/// <param name="Watts">Null where the meter did not answer.</param>
public sealed record PowerSample(double Seconds, double? Watts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RawMeasurement))]
internal sealed partial class RawMeasurementJsonContext : JsonSerializerContext;
