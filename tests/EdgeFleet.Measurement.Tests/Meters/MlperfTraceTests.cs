using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>
/// A power trace of a real board: stretches of a Yokogawa's readings at the wall of a Jetson AGX Orin, before and under
/// ResNet50 in MLPerf's single-stream scenario. Seconds within the hour and watts as logged, about one a second.
/// </summary>
/// <remarks>
/// mlcommons/inference_results_v3.1 (Apache-2.0), closed/CTuning/results/orin-nvidia_original-gpu-tensorrt-vdefault-default_config,
/// resnet50/singlestream/performance/run_1/spl.txt: 01:02:10 to 01:03:13 and 01:09:57 to 01:10:30. 664.65 inferences a second by
/// mlperf_log_summary.txt.
/// </remarks>
public sealed class MlperfTraceTests
{
    private const double InferencesPerSecond = 664.65;

    private const string Rest = """
        130.822 9.318; 131.793 10.867; 132.788 10.245; 133.800 9.382; 134.811 9.176; 135.803 9.213; 136.794 10.761; 137.807 10.255
        138.789 9.549; 139.801 9.280; 140.792 9.175; 141.780 9.902; 142.823 10.421; 143.788 10.883; 144.811 9.304; 145.793 9.187
        146.807 9.259; 147.820 10.921; 148.812 10.838; 149.804 9.383; 150.804 9.243; 151.801 9.256; 152.811 10.380; 153.806 10.198
        154.820 9.744; 155.817 9.238; 156.798 9.232; 157.802 10.263; 158.814 10.134; 159.795 10.078; 160.809 9.172; 161.797 9.184
        162.819 9.260; 163.800 10.694; 164.811 10.224; 165.794 9.526; 166.796 9.162; 167.808 9.227; 168.804 10.467; 169.804 10.208
        170.810 9.813; 171.802 9.219; 172.794 9.153; 173.807 9.217; 174.800 10.946; 175.791 10.175; 176.796 9.356; 177.817 9.205
        178.778 9.227; 179.801 10.706; 180.812 10.501; 181.817 9.333; 182.801 9.259; 183.814 9.195; 184.804 9.272; 185.798 10.586
        186.813 9.969; 187.803 9.989; 188.807 9.160; 189.799 9.138; 190.803 9.082; 191.795 9.077; 192.817 9.131; 193.796 9.120
        """;

    private const string Run = """
        597.806 18.007; 598.801 18.221; 599.806 18.150; 600.808 18.071; 601.813 18.193; 602.813 18.188; 603.794 18.176; 604.794 18.177
        605.804 18.254; 606.807 18.138; 607.808 18.076; 608.811 18.013; 609.784 17.902; 610.802 18.191; 611.793 18.312; 612.798 18.155
        613.801 18.138; 614.806 18.034; 615.808 18.273; 616.817 17.986; 617.807 17.996; 618.807 18.067; 619.808 18.214; 620.789 18.243
        621.809 18.124; 622.809 18.152; 623.808 18.197; 624.800 18.286; 625.814 18.062; 626.806 18.183; 627.797 18.280; 628.791 18.226
        629.823 18.154; 630.806 18.171
        """;

    [Fact]
    public void The_published_run_costs_about_27_millijoules_an_inference_and_half_of_that_above_rest()
    {
        WindowEnergy rest = Integrate(Rest, 131, 193), run = Integrate(Run, 598, 630);
        Assert.Equal((ReadingState.Measured, ReadingState.Measured), (rest.State, run.State));

        InferenceEnergy energy = IdleSubtraction.Of(run, rest, null, (long)Math.Round(InferencesPerSecond * run.Seconds));

        Assert.InRange(energy.Total.Joules!.Value, 27e-3 * 0.97, 27e-3 * 1.03);
        Assert.InRange(energy.Dynamic.Joules!.Value, 12.6e-3 * 0.97, 12.6e-3 * 1.03);
        Assert.InRange(energy.Dynamic.StandardUncertainty!.Value / energy.Dynamic.Joules.Value, 0.001, 0.03);
    }

    [Fact]
    public void A_window_at_rest_that_is_shorter_than_the_board_s_own_bump_every_five_seconds_is_refused()
    {
        WindowEnergy brief = Integrate(Rest, 131, 146);
        Assert.Equal(ReadingState.Absent, brief.State);
        Assert.Contains("at least 20", brief.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_twenty_seconds_at_rest_agree_with_the_whole_minute_within_their_uncertainty()
    {
        WindowEnergy all = Integrate(Rest, 131, 193);
        foreach (long from in (long[])[131, 141, 151, 161, 171])
        {
            WindowEnergy part = Integrate(Rest, from, from + 22);
            double uncertainty = part.Uncertainty!.Total / part.Seconds;
            Assert.InRange(part.MeanWatts!.Value - all.MeanWatts!.Value, -2 * uncertainty, 2 * uncertainty);
        }
    }

    private static WindowEnergy Integrate(string trace, long from, long to)
    {
        EnergySample[] samples =
        [
            .. trace.Split((char[])[';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(point =>
            {
                string[] words = point.Split(' ');
                return new EnergySample((long)Math.Round(double.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture) * 1000), 0, double.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture));
            }),
        ];
        return EnergyIntegrator.Integrate(samples, s_wall, from * 1000, to * 1000, 1000);
    }

    private static readonly MeterIdentity s_wall = new()
    {
        Source = "wall (Yokogawa)",
        Chip = "PTDaemon",
        Rails = ["wall"],
        Kind = MeterKind.Sampled,
        Scope = MeterScope.Board,
        Period = TimeSpan.FromSeconds(1),
        QuantumWatts = 0.001,
    };
}
