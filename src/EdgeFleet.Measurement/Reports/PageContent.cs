using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Reports;

/// <summary>What every section draws from.</summary>
internal sealed record PageContent(BenchEvidence Evidence, RawMeasurement? Raw, ModelNames Names)
{
    /// <summary>Two models were compared; otherwise one was measured alone.</summary>
    public bool IsPaired => Evidence.Latency.Baseline is not null;

    /// <summary>A model that was measured alone is not inconclusive to a reader: nothing was asked of it.</summary>
    public string VerdictWord => IsPaired ? Evidence.Verdict : "one model alone";

    public string CandidateWord => IsPaired ? "candidate" : "model";

    public string Title => IsPaired ? $"{Names.Candidate} against {Names.Baseline ?? "the baseline"}" : Names.Candidate;

    /// <summary>Columns of a table with a figure of each model.</summary>
    public IReadOnlyList<string> Columns(string first) => IsPaired ? [first, "Baseline", "Candidate", "Candidate / baseline"] : [first, "Model"];

    public IReadOnlyList<object?> Row(object name, object? baseline, object? candidate, double? ratio = null) =>
        IsPaired ? [name, baseline, candidate, ratio is { } r && double.IsFinite(r) ? Figures.Ratio(r) : ""] : [name, candidate];

    /// <summary>Nanoseconds per inference of one model's cells that count.</summary>
    public IReadOnlyList<double> Samples(string model) => Raw is null ? [] :
        [.. Raw.Cells.Where(cell => cell.Counts && cell.Model == model).SelectMany(cell => cell.Nanos).Where(IsTime)];

    public IReadOnlyList<double> Tail(string model) => Raw is null ? [] :
        [.. (model == "baseline" ? Raw.BaselineTail : Raw.CandidateTail).Where(IsTime)];

    /// <summary>A logarithmic axis takes nothing else.</summary>
    private static bool IsTime(double nanos) => double.IsFinite(nanos) && nanos > 0;
}
