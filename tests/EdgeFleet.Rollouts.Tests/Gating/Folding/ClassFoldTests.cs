using System.Text.Json;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Tests.Gating.Folding;

public sealed class ClassFoldTests
{
    private static readonly int s_half = GateRules.Current.HalfWindowTicks;

    [Theory, InlineData(4, 1), InlineData(4, 2), InlineData(12, 3), InlineData(12, 4)]
    public void Reports_that_overtake_each_other_come_to_the_same_bits(int devices, int seed)
    {
        Random random = new(seed);
        List<Report> inTime = [.. Reports(devices, 2 * s_half, random)];
        // Devices overtake each other by up to half a window, a device's own reports by less than it waits for.
        double[] delays = [.. Enumerable.Range(0, devices).Select(_ => random.NextDouble() * (s_half - 20))];
        List<Report> overtaken = [.. inTime.OrderBy(report => report.Tick.Tick + delays[report.Device] + (random.NextDouble() * (GateRules.Current.WaitingTicks - 2)))];

        // They count where they belong; what was closed by then is for the end of the run to say.
        Assert.Equal(Verdict(inTime, devices), Verdict(overtaken, devices));
        Assert.NotEqual(Verdict(inTime, devices), Verdict(inTime.SkipLast(1), devices));
    }

    [Fact]
    public void Its_size_does_not_depend_on_the_number_of_ticks_and_closing_them_changes_nothing()
    {
        const int devices = 12;
        ClassFold fold = Fold(Reports(devices, 10_000, new Random(5)), devices);
        ClassTicks ticks = fold.Ticks;

        Assert.InRange(ticks.Open.Count, s_half, s_half + 1);
        // Some were joined, as by chance neighbours look alike now and then.
        Assert.InRange(ticks.Open.Count + ticks.Closed[0].Count, 9_500, 10_000);
        Assert.True(JsonSerializer.Serialize(Input(fold, devices), RolloutsJsonContext.Default.GateInput).Length < 250_000);
        // As if they had been bet on one by one.
        GateScales scales = new(Gates.Margins, Gates.Quiet, GateRules.Current);
        IEnumerable<double> means = Reports(devices, 10_000, new Random(5)).GroupBy(report => report.Tick.Tick).Select(tick => tick.Average(report => scales.Metrics[1].OfTick(report.Tick)!.Value));
        TickSeries oneByOne = TickSeries.Start(scales.Metrics[1].HarmNull).With(means, GateRules.Current);
        Assert.Equal(oneByOne.LogE, Gate.Evaluate(Input(fold, devices)).Metrics[1].HarmLogE, 5);
    }

    [Fact]
    public void A_device_that_joins_late_is_heard_from_then_on()
    {
        Report[] reports = [.. Reports(3, 2000, new Random(6)).Concat(Enumerable.Range(0, 100).Select(t => new Report(3, Tick(t, 100), 2000 + t)))];
        ClassFold fold = Fold(reports, 12);

        Assert.Equal(2099, fold.Of("d3")!.NewestTick);
        Assert.Equal(10_000, fold.Of("d3")!.Pairs);
        Assert.Equal(100, fold.Ticks.Open.Count(tick => tick.Tick >= 2000 && tick.Devices == 1));
    }

    [Fact]
    public void A_device_that_was_away_is_heard_from_the_windows_end_on_and_then_with_the_others()
    {
        int away = s_half + 300, now = away + 100;
        List<Report> reports = [.. Reports(4, now, new Random(7)).Where(report => report.Device != 3 || report.Tick.Tick < 100)];
        // Back, it sends at once what it kept, and goes on.
        reports.AddRange(Enumerable.Range(100, now - 100).Select(t => new Report(3, Tick(t, 0), now)));
        reports.AddRange(Enumerable.Range(now, 50).SelectMany(t => Enumerable.Range(0, 4).Select(d => new Report(d, Tick(t, 0), t))));
        ClassFold fold = Fold(reports, 12);

        Assert.Equal(now + 49, fold.Of("d3")!.NewestTick);
        Assert.All(fold.Ticks.Open.Where(tick => tick.Tick > now - s_half && tick.Tick < now), tick => Assert.Equal(4, tick.Devices));
        Assert.All(fold.Ticks.Open.Where(tick => tick.Tick > now), tick => Assert.Equal(4, tick.Devices));
    }

    [Fact]
    public void A_device_that_runs_ahead_of_the_clock_keeps_nobody_from_speaking_of_harm()
    {
        const int ticks = 300;
        Report[] rogue = [.. Enumerable.Range(0, 5000).Select(i => new Report(0, Tick(i % 2 == 0 ? i : long.MaxValue - i, 0), 0))];
        Report[] honest = [.. Reports(11, ticks, new Random(8)).Select(report => report with { Device = report.Device + 1 })];
        ClassFold fold = Fold([.. rogue, .. honest], 12);
        GateVerdict verdict = Gate.Evaluate(Input(fold, 12));

        Assert.True(fold.Ticks.Ahead > 4000);
        Assert.InRange(verdict.Metrics[0].HarmObservations, ticks - 50, ticks);
        Assert.Equal(GateDecision.Rollback, Gate.Evaluate(Input(Fold([.. rogue, .. honest.Select(report => report with { Tick = Tick(report.Tick.Tick, 10) })], 12), 12)).Decision);
    }

    [Fact]
    public void A_tick_that_fewer_than_half_went_through_does_not_count_when_it_is_closed()
    {
        // Eleven devices were away for the first hundred ticks, in which one disagreed on everything.
        Report[] later = [.. Reports(12, 2000, new Random(10)).Where(report => report.Tick.Tick >= 100)];
        Report[] alone = [.. Enumerable.Range(0, 100).Select(t => new Report(0, Tick(t, 100), t))];
        Report[] most = [.. Enumerable.Range(0, 100).SelectMany(t => Enumerable.Range(0, 6).Select(d => new Report(d, Tick(t, 100), t)))];

        Assert.Equal(Closed([.. later.Prepend(new Report(0, Tick(99, 100), 0))]), Closed([.. alone, .. later]));
        Assert.NotEqual(Closed([.. alone, .. later]), Closed([.. most, .. later]));

        static string Closed(Report[] reports) => JsonSerializer.Serialize(Input(Fold(reports, 12), 12).Ticks!.Closed[0].Runs[0].State.LogWealth.ToArray());
    }

    [Fact]
    public void What_a_device_said_for_its_class_does_not_change_when_more_arrives()
    {
        ClassFold fold = Fold(Reports(12, 30, new Random(9)), 12);
        GateScales scales = new(Gates.Margins, Gates.Quiet, GateRules.Current);
        double?[] said = [.. fold.Of("d4")!.SettledWords(scales).Select(word => word.Said)];
        Assert.All(said, word => Assert.NotNull(word));
        for (int t = 30; t < 500; t++)
        {
            fold.Take("d4", Tick(t, 100), Gates.Start.AddMinutes(t));
        }

        Assert.Equal(said, fold.Of("d4")!.SettledWords(scales).Select(word => word.Said));
        Assert.Empty(fold.Of("d4")!.Waiting.Where(tick => tick.Tick >= 30));
        Assert.True(fold.Of("d4")!.Disagreements > 40_000);
    }

    private static GateTick Tick(long number, int disagreements) => new() { Tick = number, Pairs = 100, Disagreements = disagreements, MedianLogLatencyRatio = 0.01 * disagreements };

    private static IEnumerable<Report> Reports(int devices, int ticks, Random random) =>
        from t in Enumerable.Range(0, ticks)
        from d in Enumerable.Range(0, devices)
        select new Report(d, new GateTick { Tick = t, Pairs = 40 + random.Next(60), Disagreements = random.Next(2), MedianLogLatencyRatio = 0.1 * (random.NextDouble() - 0.5) }, t);

    private static string Verdict(IEnumerable<Report> reports, int devices) =>
        JsonSerializer.Serialize(Gate.Evaluate(Input(Fold(reports, devices), devices)), RolloutsJsonContext.Default.GateVerdict);

    private static ClassFold Fold(IEnumerable<Report> reports, int classSize)
    {
        ClassFold fold = new(Gates.Margins, Gates.Quiet, GateRules.Current, classSize);
        double now = 0;
        foreach (Report report in reports)
        {
            now = Math.Max(now, report.Minute);
            fold.Take($"d{report.Device}", report.Tick, Gates.Start.AddMinutes(now));
        }
        return fold;
    }

    private static GateInput Input(ClassFold fold, int devices) => Gates.Input(Gates.Devices(devices, i => Gates.Device(i))) with
    {
        Ticks = fold.Ticks,
        Devices = [.. Gates.Devices(devices, i => Gates.Device(i)).Select(device => device.With(fold.Of(device.DeviceId)))],
    };

    private sealed record Report(int Device, GateTick Tick, double Minute);
}
