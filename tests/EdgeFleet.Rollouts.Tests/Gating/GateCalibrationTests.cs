using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Tests.Gating;

public sealed class GateCalibrationTests
{
    private static readonly GateMargins s_margins = Gates.Margins with { CalibrationTicks = 3, CalibrationNoisePairs = 30 };

    [Theory]
    [InlineData(2, 20, "2 of 3 calibration ticks"), InlineData(3, 5, "15 of 30 pairs of the baseline against itself")]
    public void It_waits_for_ticks_and_for_noise_pairs(int ticks, int noisePairs, string expected)
    {
        Assert.Null(Freeze([Device("a", ticks, noisePairs)], out string waitingFor));
        Assert.Equal(expected, waitingFor);
    }

    [Fact]
    public void The_threshold_of_a_metric_is_its_margin_and_what_the_noise_is_allowed()
    {
        GateMargins margins = GateMargins.Freeze(Stages.Rollouts.Staged, Stages.Rollouts.Policy);
        GateCalibration calibration = new()
        {
            NoisePairs = 100, NoiseDisagreements = 1, NoiseRate = 0.01, NoiseRateUpper = 0.03, LatencyWidthLogRatio = 0.1, LastTick = new Dictionary<string, long>(),
        };

        MetricThreshold known = MetricThreshold.Of(margins, calibration, GateRules.Current)[0];
        Assert.Equal((GateMetric.Disagreement, margins.DisagreementPoints), (known.Metric, known.Margin));
        Assert.Equal(margins.DisagreementPoints + 3, known.Effective!.Value, 9);
        Assert.Equal(3, known.Noise!.Value, 9);
        Assert.All(MetricThreshold.Of(margins, null, GateRules.Current), unknown => Assert.Null(unknown.Effective));
    }

    [Fact]
    public void It_takes_more_ticks_when_the_first_ones_hold_too_few_noise_pairs()
    {
        GateCalibration calibration = Freeze([Device("a", 20, 5)], out _)!;

        Assert.Equal(30, calibration.NoisePairs);
        Assert.Equal(5, calibration.LastTick["a"]);
    }

    [Fact]
    public void Noise_is_pooled_over_the_class_and_its_bound_is_one_sided()
    {
        GateCalibration calibration = Freeze([Device("a", 3, 50, noiseDisagreements: 1), Device("b", 9, 50)], out _)!;

        Assert.Equal((300, 3), (calibration.NoisePairs, calibration.NoiseDisagreements));
        Assert.Equal(0.01, calibration.NoiseRate, 12);
        Assert.InRange(calibration.NoiseRateUpper, 0.02, 0.03);
        Assert.Equal(2, calibration.LastTick["b"]);
    }

    [Theory]
    [InlineData(0.001, 0.10), InlineData(0.2, 0.253), InlineData(5, 0.693)]
    public void The_latency_range_follows_the_noise_of_a_whole_tick_between_its_bounds(double noise, double expected)
    {
        // Ten of a hundred pairs are noise pairs, so a whole tick's figure has sd noise / sqrt(10).
        Assert.Equal(expected, Freeze([Device("a", 3, 10, noise: noise)], out _)!.LatencyWidthLogRatio, 3);
    }

    [Fact]
    public void Idle_ticks_calibrate_nothing()
    {
        TickingDevice idle = Device("a", 50, 0) with { Ticks = [.. Enumerable.Range(0, 50).Select(t => new GateTick { Tick = t })] };

        Assert.Null(Freeze([idle], out string waitingFor));
        Assert.Equal("0 of 3 calibration ticks; the shadow runs and no device has had a request to compare: do applications ask the model?", waitingFor);
    }

    [Fact]
    public void Calibration_ticks_are_not_judged()
    {
        TickingDevice device = Gates.Device(0, 30) with { Ticks = [.. Enumerable.Range(0, 30).Select(t => new GateTick { Tick = t, Pairs = 100, Disagreements = t < 3 ? 100 : 0, MedianLogLatencyRatio = -0.2 })] };
        GateCalibration calibration = Gates.Quiet with { LastTick = new Dictionary<string, long> { ["d0"] = 2 } };

        GateVerdict verdict = Gate.Evaluate(Gates.Input([device], calibration: calibration));
        Assert.Equal((2700L, 0.0), (verdict.Devices[0].Pairs, verdict.Devices[0].DisagreementPercent));
        Assert.Equal(GateDecision.Promote, verdict.Decision);
    }

    private static TickingDevice Device(string id, int ticks, int noisePairs, int noiseDisagreements = 0, double noise = 0.001) => new()
    {
        DeviceId = id,
        Ticks = [.. Enumerable.Range(0, ticks).Select(t => new GateTick
        {
            Tick = t, Pairs = 100, NoisePairs = noisePairs, NoiseDisagreements = noiseDisagreements, NoiseMeanLogLatencyRatio = t % 2 == 0 ? noise : -noise,
        })],
    };

    private static GateCalibration? Freeze(TickingDevice[] devices, out string waitingFor)
    {
        CalibrationTicks ticks = new();
        // The last first: in which order they arrive says nothing.
        foreach ((TickingDevice device, GateTick tick) in devices.SelectMany(device => device.Ticks.Select(tick => (device, tick))).Reverse())
        {
            ticks.Take(device.DeviceId, tick);
        }
        return GateCalibration.TryFreeze(ticks, devices.Select(device => device.DeviceId), s_margins, out waitingFor);
    }
}
