using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Runs both models in turns, window by window, until the windows of each agree (<see cref="SteadyState"/>) or the time that
/// the job gives is over. What it finds of their latency says how many inferences make a sample.
/// </summary>
internal sealed class WarmUp(BenchSetup setup, HostPair pair)
{
    private static readonly TimeSpan s_longestWindow = TimeSpan.FromSeconds(0.5);
    /// <summary>A short warm-up has shorter windows, so that the rule has enough of them.</summary>
    private const int FewestWindowsInCap = 20;
    private const int FewestInferences = 10;

    private readonly Dictionary<MeasuredModel, List<double>> _medians = new() { [MeasuredModel.Baseline] = [], [MeasuredModel.Candidate] = [] };

    public bool IsSteady { get; private set; }

    /// <summary>How it ended, for a person.</summary>
    public string Reason { get; private set; } = "not run";

    /// <summary>Median latency of the model's last window, in nanoseconds.</summary>
    public double NanosOf(MeasuredModel model) => _medians[model][^1];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan cap = TimeSpan.FromMilliseconds(Math.Max(setup.Job.WarmUpMs, 1));
        TimeSpan window = TimeSpan.FromTicks(Math.Min(s_longestWindow.Ticks, cap.Ticks / FewestWindowsInCap));
        CellRequest cell = new() { DurationTicks = (long)(window.TotalSeconds * Stopwatch.Frequency), MinimumSamples = FewestInferences };
        int most = Math.Max(FewestWindowsInCap, (int)(cap / window));
        // A window has its fewest inferences however long they take; the time that was given is kept all the same.
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < most && !IsSteady && (i == 0 || Stopwatch.GetElapsedTime(begun) < setup.Models.Count * cap); i++)
        {
            foreach (MeasuredModel model in setup.ModelsInRandomOrder())
            {
                CellReply reply = await pair.MeasureAsync(model, cell, cancellationToken).ConfigureAwait(false);
                _medians[model].Add(Cell.Median(Cell.Of(model, reply, batch: 1).Nanos));
            }
            (IsSteady, Reason) = Judge(setup.Models, _medians, window);
            setup.Report("warming up", (double)(i + 1) / most, Reason);
        }
    }

    /// <summary>Steady is where each of the models is: the one that is not would be measured on its way.</summary>
    internal static (bool IsSteady, string Reason) Judge(IReadOnlyList<MeasuredModel> models, IReadOnlyDictionary<MeasuredModel, List<double>> medians, TimeSpan window)
    {
        List<(MeasuredModel Model, SteadyState State)> states = [.. models.Select(model => (model, SteadyState.Of(medians[model])))];
        string length = FormattableString.Invariant($"{medians[MeasuredModel.Candidate].Count} windows of {window.TotalMilliseconds:0} ms");
        return states.All(state => state.State.IsSteady)
            ? (true, $"steady after {length}")
            : (false, $"not steady after {length}: " + string.Join("; ", states.Where(state => !state.State.IsSteady).Select(state => $"{state.Model.ToString().ToLowerInvariant()}: {state.State.Reason}")));
    }
}
