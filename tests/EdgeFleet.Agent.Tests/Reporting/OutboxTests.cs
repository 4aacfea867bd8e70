using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Tests.Deployments;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Reporting;

/// <summary>What the outbox promises, over any sequence of what may happen to it.</summary>
public sealed class OutboxTests
{
    private const string Shadow = "edgefleet/v1/default/device-1/shadow/a";

    [Fact]
    public void Whatever_happens_in_whatever_order_nothing_is_lost_that_was_not_declared()
    {
        int drops = 0, salvages = 0, cuts = 0;
        for (int seed = 0; seed < 150; seed++)
        {
            Random random = new(seed);
            OutboxModel model = new();
            int step = 0;
            try
            {
                for (; step < 200; step++)
                {
                    model.Step(random);
                }
                model.Drain();
            }
            catch (Exception ex)
            {
                throw new Xunit.Sdk.XunitException($"seed {seed}, step {step}: {ex.Message}\n{ex.StackTrace}");
            }
            (drops, salvages, cuts) = (drops + model.Drops, salvages + model.Salvages, cuts + model.Cuts);
        }
        // The walk has to have been where it hurts.
        Assert.True(drops > 1000 && salvages > 20 && cuts > 500, $"{drops} drops, {salvages} salvages, {cuts} power cuts");
    }

    [Fact]
    public void On_a_disk_that_flushes_nothing_the_same_walk_finds_losses()
    {
        // The negative control: a model that accepts anything would prove nothing.
        int broken = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            OutboxModel model = new(disk => new UnflushedFileStore(disk));
            try
            {
                for (int step = 0; step < 200; step++)
                {
                    model.Step(random);
                }
                model.Drain();
            }
            catch (Exception ex) when (ex is Xunit.Sdk.XunitException or IOException)
            {
                broken++;
            }
        }
        Assert.True(broken > 10, $"{broken} of 20 walks found a loss");
    }

    [Fact]
    public void A_declaration_that_a_full_disk_does_not_take_drops_nothing()
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory("/outbox", DurableDirectory.PublicMode);
        using Outbox outbox = Open(disk, new OutboxOptions { CapacityBytes = 2000, SegmentBytes = 900 });
        while (outbox.LiveBytes < 1850)
        {
            outbox.Append(ReportClass.Evidence, Shadow, false, new Wire.EventReport { Subject = "s" });
        }
        outbox.Flush();
        long[] before = [.. outbox.ReadAfter(0, int.MaxValue).Select(message => message.Seq)];
        long room = disk.CapacityBytes;
        disk.CapacityBytes -= disk.AvailableBytes("/");
        Assert.Throws<IOException>(() => outbox.Append(ReportClass.Evidence, Shadow, false, new Wire.EventReport { Detail = new string('x', 300) }));

        Assert.Equal(before, outbox.ReadAfter(0, int.MaxValue).Select(message => message.Seq));
        disk.CapacityBytes = room;
        outbox.Append(ReportClass.Evidence, Shadow, false, new Wire.EventReport { Detail = new string('x', 300) });
        outbox.Flush();
        OutboxMessage gap = Assert.Single(outbox.ReadAfter(0, int.MaxValue), message => message.Topic == OutboxModel.GapTopic);
        Wire.SeqRange range = Assert.Single(Wire.GapReport.Parser.ParseFrom(gap.Payload).Dropped);
        Assert.Equal(before.Except(outbox.ReadAfter(0, int.MaxValue).Select(message => message.Seq)), Enumerable.Range((int)range.First, (int)(range.Last - range.First + 1)).Select(seq => (long)seq));
    }

    [Fact]
    public void A_gap_never_takes_more_ranges_than_the_controller_reads()
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory("/outbox", DurableDirectory.PublicMode);
        using Outbox outbox = Open(disk, new OutboxOptions { CapacityBytes = 1 << 20, SegmentBytes = 64 << 10 });
        // A month of a link that flaps: the same state said anew between any two ticks, and nobody who acknowledges.
        for (int i = 0; i < 10_000; i++)
        {
            outbox.Append(ReportClass.Evidence, Shadow, false, new Wire.EventReport { Detail = new string('x', 150) });
            outbox.Append(ReportClass.State, "edgefleet/v1/default/device-1/reported", true, new Wire.Reported { Generation = (ulong)i });
        }
        outbox.Flush();

        List<OutboxMessage> live = [.. outbox.ReadAfter(0, int.MaxValue)];
        int ranges = Wire.GapReport.Parser.ParseFrom(live.Last(message => message.Topic == OutboxModel.GapTopic).Payload).Dropped.Count;
        Assert.InRange(ranges, 1, 4096);
        Assert.Equal(9_999UL, Wire.Reported.Parser.ParseFrom(live.Last(message => message.Topic.EndsWith("/reported", StringComparison.Ordinal)).Payload).Generation);
    }

    [Fact]
    public void A_report_that_the_controller_could_not_take_never_gets_a_number()
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory("/outbox", DurableDirectory.PublicMode);
        using Outbox outbox = Open(disk, new OutboxOptions());

        Assert.Throws<ArgumentException>(() => outbox.Append(ReportClass.State, Shadow, false, new Wire.EventReport { Detail = new string('x', Outbox.LargestReport) }));
        Assert.Equal(1, outbox.Append(ReportClass.State, Shadow, false, new Wire.EventReport()));
    }

    [Fact]
    public void A_flipped_bit_costs_at_most_what_lies_behind_it_in_its_file_and_is_told()
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory("/outbox", DurableDirectory.PublicMode);
        using (Outbox outbox = Open(disk, new OutboxOptions()))
        {
            for (int i = 0; i < 5; i++)
            {
                outbox.Append(ReportClass.State, Shadow, false, new Wire.EventReport { Subject = $"{i}" });
            }
            outbox.Flush();
        }
        string file = $"/outbox/{disk.List("/outbox").Single()}";
        byte[] whole = disk.Read(file)!;
        for (int at = 0; at < whole.Length; at++)
        {
            SimulatedDisk other = new();
            other.CreateDirectory("/outbox", DurableDirectory.PublicMode);
            byte[] flipped = [.. whole];
            flipped[at] ^= 1;
            DurableFile.Write(other, file, flipped);
            DurableFile.Write(other, "/outbox/older.log.bad", [1]);
            using Outbox outbox = Open(other, new OutboxOptions());

            Assert.Equal(at / (whole.Length / 5), outbox.Salvaged);
            Assert.Equal(Enumerable.Range(0, outbox.Salvaged!.Value).Select(i => $"{i}"), outbox.ReadAfter(0, 10).Select(message => Wire.EventReport.Parser.ParseFrom(message.Payload).Subject));
            // The newest damage is kept, and only that.
            Assert.Equal([Path.GetFileName(file) + ".bad"], other.List("/outbox").Where(name => name.EndsWith(".bad", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void The_ledger_of_gaps_says_the_same_as_a_set_of_numbers()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            GapLedger ledger = new();
            HashSet<long> set = [];
            for (int step = 0; step < 60; step++)
            {
                long first = random.Next(1, 60), last = first + random.Next(0, 6);
                switch (random.Next(4))
                {
                    case 0: ledger.Add(first); set.Add(first); break;
                    case 1: ledger.Add(first, last); set.UnionWith(Span(first, last)); break;
                    case 2: ledger = ledger.With([first, last]); set.UnionWith([first, last]); break;
                    default: ledger.Acknowledge(first / 2); set.RemoveWhere(seq => seq <= first / 2); break;
                }
                Assert.Equal(set.Order(), ledger.Ranges.SelectMany(range => Span(range.First, range.Last)));
                Assert.All(ledger.Ranges.Zip(ledger.Ranges.Skip(1)), pair => Assert.True(pair.First.Last + 1 < pair.Second.First));
                Assert.All(Span(0, 70), seq => Assert.Equal(set.Contains(seq), ledger.Contains(seq)));
                Assert.Equal(set.Count == 0, ledger.IsEmpty);
            }
        }
        static IEnumerable<long> Span(long first, long last) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(seq => (long)seq);
    }

    private static Outbox Open(SimulatedDisk disk, OutboxOptions options) =>
        Outbox.Open(disk, "/outbox", OutboxModel.GapTopic, options, new ManualTimeProvider(), NullLogger<Outbox>.Instance);
}
