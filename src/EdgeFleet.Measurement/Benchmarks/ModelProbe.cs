using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// What a model costs before it answers anything: the time to load it, and the peak memory of a process that holds it alone.
/// </summary>
internal sealed class ModelProbe(InferenceOptions options)
{
    private const int Inferences = 3;
    private readonly List<double> _loadMs = [];
    private readonly List<double> _peakBytes = [];
    private string? _noPeak;

    /// <summary>Loads, runs and frees the model once, with no other model loaded.</summary>
    public void Measure(string path)
    {
        _noPeak ??= PeakMemory.Restart();
        using (LoadedModel model = LoadedModel.Load(path, options))
        {
            _loadMs.Add(model.LoadTime.TotalMilliseconds);
            using PreparedCall call = model.Prepare();
            SyntheticInputs.Fill(call, seed: 1);
            for (int i = 0; i < Inferences; i++)
            {
                call.Invoke();
            }
        }
        if (PeakMemory.Read() is { } peak)
        {
            _peakBytes.Add(peak);
        }
    }

    public TimeSpan LoadTime => TimeSpan.FromMilliseconds(Median(_loadMs));

    public Reading Load => Reading.Measured(Median(_loadMs), "ms", $"median of {_loadMs.Count} loads, file in the page cache");

    public Reading PeakMemoryReading => _noPeak is not null
        ? Reading.Absent(_noPeak)
        : _peakBytes.Count == 0
            ? Reading.Absent("/proc/self/status has no VmHWM")
            : Reading.Measured(Median(_peakBytes), "bytes", "VmHWM of the worker with this model alone, median");

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
