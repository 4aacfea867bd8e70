using System.Threading.Channels;
using EdgeFleet.Mqtt.Sessions;
using EdgeFleet.Mqtt.Tests.Brokers;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>How long a session waits before it connects again, and when it suspects a rival.</summary>
public sealed class ReconnectTests
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_maximum = TimeSpan.FromSeconds(1);

    [Fact]
    public void The_bound_doubles_with_each_failure_up_to_the_maximum_and_begins_again_after_a_reset()
    {
        ReconnectDelay delay = new(s_first, s_maximum, new Dice(1));
        int[] bounds = [100, 200, 400, 800, 1000, 1000];

        Assert.Equal(bounds, bounds.Select(_ => (int)delay.Next().TotalMilliseconds));
        delay.Reset();
        Assert.Equal(100, delay.Next().TotalMilliseconds);
    }

    [Fact]
    public void A_bound_that_has_doubled_for_ever_is_still_the_maximum()
    {
        ReconnectDelay delay = new(s_first, s_maximum, new Dice(1));
        for (int i = 0; i < 5000; i++)
        {
            delay.Next();
        }
        Assert.Equal(s_maximum, delay.Next());
    }

    [Fact]
    public void The_pause_is_any_part_of_the_bound_none_and_all_included()
    {
        Assert.Equal(TimeSpan.Zero, new ReconnectDelay(s_first, s_maximum, new Dice(0)).Next());
        // A fleet of 10,000 that lost its broker at one moment for the fourth time: as many in each tenth of the 800 ms.
        Random random = new(11);
        int[] tenths = new int[10];
        for (int device = 0; device < 10_000; device++)
        {
            ReconnectDelay delay = new(s_first, s_maximum, random);
            delay.Next();
            delay.Next();
            delay.Next();
            tenths[(int)(delay.Next().TotalMilliseconds / 80)]++;
        }
        Assert.All(tenths, count => Assert.InRange(count, 900, 1100));
    }

    [Fact]
    public void The_longest_pause_is_in_the_upper_half_of_the_maximum()
    {
        Assert.Equal(s_maximum / 2, new ReconnectDelay(s_first, s_maximum, new Dice(0)).Longest());
        Assert.Equal(s_maximum, new ReconnectDelay(s_first, s_maximum, new Dice(1)).Longest());
    }

    [Fact]
    public async Task A_session_pauses_as_long_as_the_dice_say_and_tells_its_owner_before()
    {
        Channel<MqttDisconnected> ends = Channel.CreateUnbounded<MqttDisconnected>();
        await using ScriptedBroker broker = new();
        await using MqttSession session = new(
            broker.Options() with
            {
                ReconnectDelay = TimeSpan.FromMilliseconds(2),
                MaximumReconnectDelay = TimeSpan.FromMilliseconds(9),
                OnDisconnected = async (end, _) => await ends.Writer.WriteAsync(end),
            },
            random: new Dice(0.5));
        await session.StartAsync();

        List<double> pauses = [];
        for (int i = 0; i < 4; i++)
        {
            (await broker.AcceptAsync()).Reset(); // instead of a CONNACK
            pauses.Add((await ends.Reader.NextAsync()).RetryIn!.Value.TotalMilliseconds);
        }

        Assert.Equal([1, 2, 4, 4.5], pauses);
    }

    [Fact]
    public void Three_short_links_that_end_without_a_word_are_suspicious()
    {
        EvictionWatch watch = new();
        Assert.False(Ended(watch));
        Assert.False(Ended(watch));
        Assert.True(Ended(watch));
        Assert.True(Ended(watch)); // and go on to be
    }

    [Fact]
    public void Anything_else_between_them_clears_the_suspicion()
    {
        Action<EvictionWatch>[] others =
        [
            watch => watch.ConnectFailed(), // a rival's broker is up
            watch => watch.LinkEnded(MqttDisconnectCause.BrokerClosed, TimeSpan.FromMinutes(6)), // a rival does not wait so long
            .. Enum.GetValues<MqttDisconnectCause>().Where(cause => cause != MqttDisconnectCause.BrokerClosed)
                .Select(cause => new Action<EvictionWatch>(watch => watch.LinkEnded(cause, TimeSpan.Zero))),
        ];
        foreach (Action<EvictionWatch> other in others)
        {
            EvictionWatch watch = new();
            Ended(watch);
            Ended(watch);
            other(watch);
            Assert.False(Ended(watch));
            Assert.False(Ended(watch));
            Assert.True(Ended(watch));
        }
    }

    private static bool Ended(EvictionWatch watch) => watch.LinkEnded(MqttDisconnectCause.BrokerClosed, TimeSpan.FromSeconds(1));

    /// <summary>Always the same throw.</summary>
    private sealed class Dice(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
