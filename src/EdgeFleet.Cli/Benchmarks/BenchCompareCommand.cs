using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Fingerprints;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary><c>edgefleet bench compare</c>: two results side by side, where their fingerprints allow it.</summary>
internal static class BenchCompareCommand
{
    private static readonly Argument<FileInfo> s_before = new("before") { Description = "A document of bench -o json." };
    private static readonly Argument<FileInfo> s_after = new("after") { Description = "Another one." };

    public static Command Create()
    {
        Command command = new("compare", """
            Put two results of bench -o json side by side. Refused, with the fields that differ, where they were not measured on
            and with the same. For a claim with an interval measure both models in one benchmark.
            """) { s_before, s_after };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        Output output = Output.Of(parsed);
        BenchEvidence before = Read(parsed.GetRequiredValue(s_before)), after = Read(parsed.GetRequiredValue(s_after));
        IReadOnlyList<string> differences = FingerprintComparison.Differences(before.Fingerprint, after.Fingerprint);
        if (differences.Count > 0)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, $"these results cannot be compared: {string.Join("; ", differences)}");
        }
        (string Name, double? Before, double? After, string Unit)[] rows =
        [
            ("p50", before.Latency.Candidate.P50.Micros, after.Latency.Candidate.P50.Micros, "µs"),
            ("p99", before.Latency.Candidate.P99.Micros, after.Latency.Candidate.P99.Micros, "µs"),
            ("peak memory", Value(before.Memory.Candidate?.Peak), Value(after.Memory.Candidate?.Peak), "bytes"),
            ("energy per inference", Value(before.Energy.Candidate?.Total), Value(after.Energy.Candidate?.Total), "J"),
        ];
        output.Table(["", "BEFORE", "AFTER", "AFTER / BEFORE"], rows.Select(row => new[] { row.Name, Text(row.Before, row.Unit), Text(row.After, row.Unit), Text(row.After / row.Before, "") }));
        foreach ((string which, BenchEvidence evidence) in new[] { ("before", before), ("after", after) })
        {
            foreach (string doubt in Doubts(evidence))
            {
                output.Note($"{which}: {doubt}");
            }
        }
        output.Json(new JsonObject(rows.Select(row => KeyValuePair.Create<string, JsonNode?>(row.Name, new JsonObject { ["before"] = row.Before, ["after"] = row.After, ["ratio"] = row.After / row.Before, ["unit"] = row.Unit }))));
        return ExitCode.Done;
    }

    /// <summary>Why a figure is absent, how sure the joules are, and what the result itself warned of.</summary>
    private static IEnumerable<string> Doubts(BenchEvidence evidence)
    {
        if (evidence.Latency.Candidate.P99 is { Micros: null, Reason: { } tail })
        {
            yield return $"p99: {tail}";
        }
        if (evidence.Energy is { State: ReadingState.Absent, Reason: { } reason })
        {
            yield return $"energy: {reason}";
        }
        if (evidence.Energy.Candidate is { Total.Value: { } joules, Uncertainty: { } uncertainty })
        {
            yield return $"energy: {BenchTable.Joules(joules)} with a standard uncertainty of {BenchTable.Joules(uncertainty)}";
        }
        foreach (string warning in evidence.Warnings ?? [])
        {
            yield return $"warned: {warning}";
        }
    }

    private static BenchEvidence Read(FileInfo file)
    {
        try
        {
            BenchEvidence? evidence = JsonSerializer.Deserialize(File.ReadAllBytes(file.FullName), EvidenceJsonContext.Default.BenchEvidence);
            return evidence is { SchemaVersion: BenchEvidence.CurrentSchemaVersion }
                ? Whole(evidence, file)
                : throw new CommandFailedException(ExitCode.WrongUsage, $"'{file.FullName}': schemaVersion {evidence?.SchemaVersion} is not known; this build reads {BenchEvidence.CurrentSchemaVersion}");
        }
        catch (JsonException ex)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{file.FullName}' is no result of bench -o json: {ex.Message}", ex);
        }
    }

    /// <summary>The file may be anybody's: what is read below is there.</summary>
    private static BenchEvidence Whole(BenchEvidence evidence, FileInfo file)
    {
        string? lacks = evidence.Fingerprint is null ? "fingerprint"
            : evidence.Latency?.Candidate is not { P50: not null, P99: not null } ? "latency"
            : evidence.Memory is null ? "memory"
            : evidence.Energy is null ? "energy"
            : null;
        return lacks is null ? evidence : throw new CommandFailedException(ExitCode.WrongUsage, $"'{file.FullName}' is no result of bench -o json: it has no {lacks}");
    }

    private static double? Value(Reading? reading) => reading?.Value;

    private static string Text(double? value, string unit) => (value, unit) switch
    {
        (null, _) => "absent",
        ({ } joules, "J") => BenchTable.Joules(joules),
        ({ } bytes, "bytes") => BenchTable.Mebi((long)bytes),
        ({ } number, _) => $"{number.ToString("0.####", CultureInfo.InvariantCulture)} {unit}".TrimEnd(),
    };
}
