using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>Reads <c>kind: Policy</c>, and <c>policySpec</c> inside a rollout.</summary>
internal static class PolicyReader
{
    private const int Day = 86_400;

    public static PolicySpec Read(MapReader document)
    {
        string name = ReadName(document);
        PolicySpec policy = ReadBody(document.MapOrEmpty("spec"), name);
        document.Done();
        return policy;
    }

    public static string ReadName(MapReader document)
    {
        if (document.Map("metadata", required: true) is not { } metadata)
        {
            return "";
        }
        string name = metadata.Text("name", "", required: true, text => Identifier.IsValid(text) ? null : $"'{text}' is not a name; expected {Identifier.Rule}");
        metadata.Done();
        return name;
    }

    public static PolicySpec ReadBody(MapReader spec, string name)
    {
        PolicySpec d = new();
        PolicySpec policy = new()
        {
            Name = name,
            AlphaPromotion = spec.Number("alphaPromotion", d.AlphaPromotion, 0.0001, 0.5),
            AlphaRollback = spec.Number("alphaRollback", d.AlphaRollback, 0.0001, 0.5),
            OnHarm = spec.Choice("onHarm", d.OnHarm),
            Margins = ReadMargins(spec.MapOrEmpty("margins")),
            Weights = ReadWeights(spec.MapOrEmpty("weights")),
            Guardrails = ReadGuardrails(spec.MapOrEmpty("guardrails")),
            Evidence = ReadEvidence(spec.MapOrEmpty("evidence")),
            Bench = ReadBench(spec.MapOrEmpty("bench")),
            Limits = ReadLimits(spec.MapOrEmpty("limits")),
            Soak = ReadSoak(spec.MapOrEmpty("soak")),
            Probation = ReadProbation(spec.MapOrEmpty("probation")),
            Maintenance = ReadMaintenance(spec.MapOrEmpty("maintenance")),
        };
        spec.Done();

        // With fewer pairs than one margin's worth, a single disagreement says "far beyond" or "perfect" and nothing between.
        int least = (int)Math.Ceiling(100 / policy.Margins.DisagreementPoints);
        if (policy.Evidence.PairsPerDevice < least)
        {
            spec.Error("evidence", $"pairsPerDevice {policy.Evidence.PairsPerDevice} is too few for margins.disagreementPoints {policy.Margins.DisagreementPoints}; expected at least {least}");
        }
        if (policy.Guardrails is { LatencyP50: false, LatencyP95: false, LatencyP99: false, Accuracy: false, Brier: false })
        {
            spec.Error("guardrails", "agreement alone says nothing of a model that differs on purpose; expected at least one of latencyP50, latencyP95, latencyP99, accuracy and brier");
        }
        foreach ((string key, int seconds) in (ReadOnlySpan<(string, int)>)[
            ("shadowSeconds", policy.Soak.ShadowSeconds), ("canarySeconds", policy.Soak.CanarySeconds), ("rampSeconds", policy.Soak.RampSeconds)])
        {
            if (seconds >= policy.Limits.StageSeconds)
            {
                spec.Error("limits", $"stageSeconds {policy.Limits.StageSeconds} would end the stage before soak.{key} {seconds} lets it be promoted; expected more than that");
            }
        }
        return policy;
    }

    private static MarginsSpec ReadMargins(MapReader map)
    {
        MarginsSpec d = new();
        MarginsSpec margins = new()
        {
            DisagreementPoints = map.Number("disagreementPoints", d.DisagreementPoints, 0.01, 15),
            LatencyP50Percent = map.Number("latencyP50Percent", d.LatencyP50Percent, 0, 1000),
            LatencyP95Percent = map.Number("latencyP95Percent", d.LatencyP95Percent, 0, 1000),
            LatencyP99Percent = map.Number("latencyP99Percent", d.LatencyP99Percent, 0, 1000),
            AccuracyPoints = map.Number("accuracyPoints", d.AccuracyPoints, 0.01, 15),
            BrierPoints = map.Number("brierPoints", d.BrierPoints, 0.01, 15),
            MemoryPeakPercent = map.Number("memoryPeakPercent", d.MemoryPeakPercent, 0, 1000),
            EnergyPercent = map.OptionalNumber("energyPercent", 0, 1000),
        };
        map.Done();
        return margins;
    }

    private static WeightsSpec ReadWeights(MapReader map)
    {
        WeightsSpec d = new();
        WeightsSpec weights = new()
        {
            Disagreement = map.Number("disagreement", d.Disagreement, 0.001, 1000),
            LatencyP50 = map.Number("latencyP50", d.LatencyP50, 0.001, 1000),
            LatencyP95 = map.Number("latencyP95", d.LatencyP95, 0, 1000),
            LatencyP99 = map.Number("latencyP99", d.LatencyP99, 0, 1000),
            Accuracy = map.Number("accuracy", d.Accuracy, 0, 1000),
            Brier = map.Number("brier", d.Brier, 0, 1000),
        };
        map.Done();
        return weights;
    }

    private static GuardrailsSpec ReadGuardrails(MapReader map)
    {
        GuardrailsSpec d = new();
        GuardrailsSpec guardrails = new()
        {
            Disagreement = map.Flag("disagreement", d.Disagreement),
            LatencyP50 = map.Flag("latencyP50", d.LatencyP50),
            LatencyP95 = map.Flag("latencyP95", d.LatencyP95),
            LatencyP99 = map.Flag("latencyP99", d.LatencyP99),
            Accuracy = map.Flag("accuracy", d.Accuracy),
            Brier = map.Flag("brier", d.Brier),
        };
        map.Done();
        return guardrails;
    }

    private static EvidenceSpec ReadEvidence(MapReader map)
    {
        EvidenceSpec d = new();
        EvidenceSpec evidence = new()
        {
            TickMilliseconds = map.Int("tickMilliseconds", d.TickMilliseconds, 100, 3_600_000),
            SamplingPercent = map.Number("samplingPercent", d.SamplingPercent, 0.01, 100),
            NoisePercent = map.Number("noisePercent", d.NoisePercent, 1, 100),
            ShadowTaxPercent = map.Number("shadowTaxPercent", d.ShadowTaxPercent, 0.1, 10_000),
            MaximumPairsPerSecond = map.Number("maximumPairsPerSecond", d.MaximumPairsPerSecond, 0.001, 10_000),
            PairsPerDevice = map.Int("pairsPerDevice", d.PairsPerDevice, 1, 1_000_000),
            LabelsPerDevice = map.Int("labelsPerDevice", d.LabelsPerDevice, 1, 1_000_000),
            CalibrationTicks = map.Int("calibrationTicks", d.CalibrationTicks, 1, 1000),
            CalibrationNoisePairs = map.Int("calibrationNoisePairs", d.CalibrationNoisePairs, 1, 100_000),
            Slices = SliceReader.Read(map, "slices"),
        };
        map.Done();
        return evidence;
    }

    private static BenchSpec ReadBench(MapReader map)
    {
        BenchSpec d = new();
        BenchSpec bench = new()
        {
            Blocks = map.Int("blocks", d.Blocks, 6, 10_000),
            ShortBlocks = map.Int("shortBlocks", d.ShortBlocks, 6, 10_000),
            BlockMilliseconds = map.Int("blockMilliseconds", d.BlockMilliseconds, 1, 60_000),
            WarmUpMilliseconds = map.Int("warmUpMilliseconds", d.WarmUpMilliseconds, 0, 600_000),
        };
        map.Done();
        return bench;
    }

    private static LimitsSpec ReadLimits(MapReader map)
    {
        LimitsSpec d = new();
        LimitsSpec limits = new()
        {
            WorkerMemoryMiB = map.Int("workerMemoryMiB", d.WorkerMemoryMiB, 16, 1_048_576),
            DeviceSeconds = map.Int("deviceSeconds", d.DeviceSeconds, 1, 90 * Day),
            SilentSeconds = map.Int("silentSeconds", d.SilentSeconds, 1, 90 * Day),
            StageSeconds = map.Int("stageSeconds", d.StageSeconds, 1, 365 * Day),
            MissingPercent = map.Number("missingPercent", d.MissingPercent, 0, 50),
        };
        map.Done();
        return limits;
    }

    private static SoakSpec ReadSoak(MapReader map)
    {
        SoakSpec d = new();
        SoakSpec soak = new()
        {
            ShadowSeconds = map.Int("shadowSeconds", d.ShadowSeconds, 0, 90 * Day),
            CanarySeconds = map.Int("canarySeconds", d.CanarySeconds, 0, 90 * Day),
            RampSeconds = map.Int("rampSeconds", d.RampSeconds, 0, 90 * Day),
        };
        map.Done();
        return soak;
    }

    private static MaintenanceWindows? ReadMaintenance(MapReader map)
    {
        IReadOnlyList<string> windows = map.Texts("windows");
        MaintenanceClock clock = map.Choice("clock", MaintenanceClock.Device);
        bool downloads = map.Flag("downloads", false);
        map.Done();
        try
        {
            return windows.Count == 0 ? null : MaintenanceWindows.Of(windows, clock == MaintenanceClock.Utc, downloads);
        }
        catch (FormatException ex)
        {
            map.Error("windows", ex.Message);
            return null;
        }
    }

    private static ProbationSpec ReadProbation(MapReader map)
    {
        ProbationSpec d = new();
        ProbationSpec probation = new()
        {
            Seconds = map.Int("seconds", d.Seconds, 1, 90 * Day),
            MaximumFailedRequests = map.Int("maximumFailedRequests", d.MaximumFailedRequests, 0, 1_000_000),
        };
        map.Done();
        return probation;
    }
}
