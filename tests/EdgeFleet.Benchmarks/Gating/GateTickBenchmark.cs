using System.Diagnostics;
using System.Globalization;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.Sketches;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>What one tick of a large class costs the controller: every device's report taken in, and the class judged.</summary>
internal static class GateTickBenchmark
{
    private const int Devices = 10_000;
    private const int Rounds = 15;
    // Two cameras with two values each, beside the six metrics.
    private static readonly string[] s_cameras = ["front", "rear"], s_sites = ["hall", "yard"];
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly GateMargins s_margins = GateMargins.Freeze(
        new RolloutSpec { Name = "bench", Model = "m", Candidate = Digest.Parse(new string('0', 64)), Stages = [] },
        new PolicySpec
        {
            Guardrails = new GuardrailsSpec { LatencyP95 = true, LatencyP99 = true, Accuracy = true, Brier = true },
            Evidence = new EvidenceSpec { Slices = SliceList.Of([("camera", s_cameras), ("site", s_sites)]) },
        });

    private static readonly GateCalibration s_calibration = new()
    {
        NoisePairs = 1000, NoiseDisagreements = 10, NoiseRate = 0.01, NoiseRateUpper = 0.017, LatencyWidthLogRatio = 0.2, LastTick = new Dictionary<string, long>(),
    };

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        ClassFold large = new(s_margins, s_calibration, GateRules.Current, Devices);
        string[] names = Names(Devices);
        ShadowTick[] templates = Templates();
        List<double> seconds = [];
        // The first ticks, while every device is still gathering its word, are the dearest: none is left out but the first.
        for (int tick = 0; tick <= Rounds; tick++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long began = Stopwatch.GetTimestamp();
            Take(large, names, templates, tick);
            Judge(large, names, tick);
            if (tick > 0)
            {
                seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
        }
        seconds.Sort();
        (double early, double late) = Memory(cancellationToken);
        string source = string.Create(CultureInfo.InvariantCulture, $"{Devices} devices, 6 metrics as guardrails and 4 slices, median of {Rounds} ticks; in this process, reports as objects");
        return Task.FromResult<IReadOnlyList<BenchFigure>>(
        [
            new("a tick of 10,000 devices x 10 metrics taken in and judged", seconds[seconds.Count / 2], "s", "<= 1", seconds[seconds.Count / 2] <= 1, source),
            new("the slowest of them", seconds[^1], "s", null, true, source),
            new("memory of a class after 20,000 ticks over that after 2,000", late / early, "ratio", "<= 1.05", late <= 1.05 * early,
                string.Create(CultureInfo.InvariantCulture, $"{late / 1e6:0.0} MB and {early / 1e6:0.0} MB of live objects, 50 devices")),
        ]);
    }

    private static (double Early, double Late) Memory(CancellationToken cancellationToken)
    {
        string[] names = Names(50);
        ShadowTick[] templates = Templates();
        double before = GC.GetTotalMemory(forceFullCollection: true);
        ClassFold fold = new(s_margins, s_calibration, GateRules.Current, names.Length);
        double early = 0;
        for (int tick = 0; tick < 20_000; tick++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Take(fold, names, templates, tick);
            if (tick == 1999)
            {
                early = GC.GetTotalMemory(forceFullCollection: true) - before;
            }
        }
        double late = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(fold);
        return (early, late);
    }

    private static void Take(ClassFold fold, string[] names, ShadowTick[] templates, int tick)
    {
        for (int d = 0; d < names.Length; d++)
        {
            fold.Take(names[d], GateTick.From(templates[(d + tick) % templates.Length] with { Tick = tick }), s_start.AddMinutes(tick));
        }
    }

    private static void Judge(ClassFold fold, string[] names, int tick) => Gate.Evaluate(new GateInput
    {
        RolloutId = "bench",
        Attempt = 1,
        HardwareClass = "bench",
        Stage = StageKind.Shadow,
        StageIndex = 1,
        Margins = s_margins,
        MarginsHash = s_margins.Hash(),
        ClassSize = names.Length,
        Calibration = s_calibration,
        Ticks = fold.Ticks,
        Devices = [.. names.Select(name => new GateDevice { DeviceId = name, InCohort = true, Standing = DeviceStanding.Reached, Shadowing = true, Evidence = fold.Of(name) })],
        StageStartedAt = s_start,
        Soak = TimeSpan.Zero,
        EvaluatedAt = s_start.AddMinutes(tick),
    });

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"device-{i:00000}"))];

    /// <summary>Reports that differ as those of devices do; a minute at one pair a second.</summary>
    private static ShadowTick[] Templates()
    {
        Random random = new(41);
        return [.. Enumerable.Range(0, 97).Select(_ => Template(random))];
    }

    private static ShadowTick Template(Random random)
    {
        LatencySketch baseline = new(), candidate = new();
        for (int i = 0; i < 60; i++)
        {
            baseline.Add(1000 * Math.Exp(0.2 * random.NextDouble()));
            candidate.Add(900 * Math.Exp(0.2 * random.NextDouble()));
        }
        return new ShadowTick
        {
            Tick = 0,
            StartedAt = s_start,
            DurationMs = 60_000,
            Pairs = 60,
            Disagreements = random.Next(2),
            NoisePairs = 6,
            MedianLogLatencyRatio = -0.1 + (0.02 * random.NextDouble()),
            NoiseMeanLogLatencyRatio = 0.01 * (random.NextDouble() - 0.5),
            BaselineLatency = Bins(baseline),
            CandidateLatency = Bins(candidate),
            Tails =
            [
                new TailExceedances { Quantile = 0.95, ThresholdMicros = 1190, Margin = 0.1, Worse = 0, Better = random.Next(4), Pairs = 60 },
                new TailExceedances { Quantile = 0.99, ThresholdMicros = 1210, Margin = 0.15, Worse = 0, Better = random.Next(2), Pairs = 60 },
            ],
            Labels = new LabelCounts { BothRight = 18, BothWrong = 1, Lost = random.Next(2), Gained = random.Next(2), BrierCount = 20, BrierDifferenceSum = random.Next(-1024, 1024) / 1048576.0 },
            BaselineScores = Counts(random, 20),
            CandidateScores = Counts(random, 20),
            NoiseScores = Counts(random, 20),
            BaselineTop1 = Counts(random, 10),
            CandidateTop1 = Counts(random, 10),
            NoiseTop1 = Counts(random, 10),
            Slices =
            [
                .. s_cameras.Select(camera => new SliceCounts { Name = "camera", Value = camera, Pairs = 30, Disagreements = random.Next(2) }),
                .. s_sites.Select(site => new SliceCounts { Name = "site", Value = site, Pairs = 30, Disagreements = random.Next(2) }),
            ],
        };
    }

    private static int[] Counts(Random random, int bins) => [.. Enumerable.Range(0, bins).Select(_ => random.Next(6))];

    private static LatencyBins Bins(LatencySketch sketch) => new([.. sketch.Bins.Select(bin => bin.Index)], [.. sketch.Bins.Select(bin => bin.Count)]);
}
