using System.Globalization;
using System.Text;

namespace EdgeFleet.Compression.Runs;

/// <summary>What changed between baseline and variant, for a person to read; without times, so that equal runs give equal files.</summary>
internal static class ChangeText
{
    public static string Of(CompressionReport report)
    {
        StringBuilder text = new();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));

        Line($"# {Path.GetFileNameWithoutExtension(report.Baseline.File)}, {report.Recipe.Name}");
        Line($"");
        Line($"- baseline: `{report.Baseline.File}`, {report.Baseline.SizeBytes} bytes, {report.Baseline.Sha256}");
        Line($"- variant: `{report.Candidate.File}`, {report.Candidate.SizeBytes} bytes ({Share(report)} of the baseline), {report.Candidate.Sha256}");
        Line($"- recipe: {report.Recipe.Name}, {report.Recipe.Digest}, target {report.Recipe.Target}, seed {report.Recipe.Seed}");
        Line($"- calibrated on {report.Calibration.Rows} rows of split {report.Calibration.Split} of {report.Calibration.Dataset}; {report.Runtime}");
        Line($"");
        Line($"## Passes");
        foreach (PassReport pass in report.Passes)
        {
            Line($"");
            Line($"### {pass.Pass}");
            Line($"");
            Line($"{pass.BytesBefore} → {pass.BytesAfter} bytes. {Figures(pass)}");
            Line($"");
            foreach (PassDecision decision in pass.Decisions)
            {
                Line($"- `{decision.Node}` ({decision.Operator}): {decision.Action}; {decision.Reason}");
            }
        }

        VerificationReport check = report.Verification;
        Line($"");
        Line($"## Verified");
        Line($"");
        Line($"Loads with optimisation {string.Join(", ", check.Levels)}; contract unchanged; outputs finite on {check.Rows} calibration rows.");
        Line($"Against the baseline there: agreement {check.Agreement:0.0000}, signal to noise {Decibel(check.SignalToNoiseDb)}, largest error {check.LargestError:g4}.");
        Line($"These are the rows that ranges were learned from; `edgefleet evaluate` judges on held-out ones.");
        return text.ToString();
    }

    private static string Share(CompressionReport report) =>
        ((double)report.Candidate.SizeBytes / report.Baseline.SizeBytes).ToString("0.0 %", CultureInfo.InvariantCulture);

    private static string Figures(PassReport pass) =>
        string.Join(", ", pass.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.##}"))) is { Length: > 0 } figures
            ? figures + "."
            : "";

    private static string Decibel(double? value) => value is { } known ? known.ToString("0.0 dB", CultureInfo.InvariantCulture) : "exact";
}
