using EdgeFleet.Agent.Trials;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class SwitchbackTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ShadowTax _tax = new(0.05);
    private readonly Random _random = new(3);
    private LogLatency _served;
    private DateTimeOffset? _since = DateTimeOffset.UnixEpoch;

    [Theory, InlineData(1.0, false), InlineData(2.0, true)]
    public async Task Served_latencies_are_charged_to_the_window_in_which_they_were_seen(double slowerWhileOn, bool exceeded)
    {
        Switchback switchback = New();
        for (int window = 0; window <= 2 * ShadowTax.Cycles; window++)
        {
            await switchback.AdvanceAsync(CancellationToken.None);
            Serve(40, 3.5 + (switchback.On ? Math.Log(slowerWhileOn) : 0));
            _time.Advance(switchback.Left);
        }
        await switchback.AdvanceAsync(CancellationToken.None);
        Assert.InRange(_tax.LogRatio!.Value, Math.Log(slowerWhileOn) - 0.15, Math.Log(slowerWhileOn) + 0.15);
        Assert.Equal(exceeded, _tax.Exceeded);
    }

    [Fact]
    public async Task Each_cycle_holds_one_window_of_each_kind_in_an_order_of_chance()
    {
        Switchback switchback = New();
        List<bool> on = [];
        for (int window = 0; window < 40; window++)
        {
            await switchback.AdvanceAsync(CancellationToken.None);
            on.Add(switchback.On);
            _time.Advance(switchback.Left);
        }
        bool[][] cycles = [.. on.Chunk(2)];
        Assert.All(cycles, cycle => Assert.NotEqual(cycle[0], cycle[1]));
        Assert.Contains(cycles, cycle => cycle[0]);
        Assert.Contains(cycles, cycle => !cycle[0]);
    }

    [Fact]
    public async Task A_window_in_which_the_model_was_swapped_or_the_runner_was_away_says_nothing()
    {
        Switchback switchback = New();
        for (int window = 0; window < 20; window++)
        {
            await switchback.AdvanceAsync(CancellationToken.None);
            Serve(40, switchback.On ? 9 : 1);
            _time.Advance(switchback.Left);
            _since = window % 2 == 0 ? null : DateTimeOffset.UnixEpoch.AddHours(window);
        }
        Assert.Null(_tax.LogRatio);
    }

    [Fact]
    public async Task A_window_stays_open_until_its_time_is_over()
    {
        Switchback switchback = New();
        await switchback.AdvanceAsync(CancellationToken.None);
        bool on = switchback.On;
        _time.Advance(switchback.Left - TimeSpan.FromMilliseconds(1));
        await switchback.AdvanceAsync(CancellationToken.None);
        Assert.Equal((on, TimeSpan.FromMilliseconds(1)), (switchback.On, switchback.Left));
    }

    private Switchback New() => new(
        _tax, () => _random.Next(2) == 0, _ => Task.FromResult<(DateTimeOffset, LogLatency)?>(_since is { } since ? (since, _served) : null), _time);

    private void Serve(int requests, double mean)
    {
        for (int i = 0; i < requests; i++)
        {
            double log = mean + ((_random.NextDouble() - 0.5) / 4);
            _served = new LogLatency(_served.Count + 1, _served.Sum + log, _served.SumOfSquares + (log * log));
        }
    }
}
