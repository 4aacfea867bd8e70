using System.Text.Json.Nodes;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol;
using EdgeFleet.Testing;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Ingest;

/// <summary>Duplicates, disorder, gaps and poison.</summary>
public sealed class IngestTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestController _controller = null!;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync(_folder);
        await _controller.Database.WriteAsync(
            "devices",
            transaction =>
            {
                for (int i = 0; i < 64; i++)
                {
                    DeviceStore.Add(transaction, new DeviceRow
                    {
                        Id = $"dev-{i}", State = DeviceStates.Active, SpkiSha256 = $"{i}", HardwareClass = "c",
                        Facts = StoreJson.Write(DesiredMapping.ToCore(ScriptedDevice.Facts())),
                    });
                    OrderStore.Note(transaction, new DesiredModelRow { DeviceId = $"dev-{i}", RolloutId = "r1", Attempt = 1, Model = "fashion", Digest = Digest.Of([1]).ToString() });
                }
            },
            CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task How_a_device_is_doing_is_kept_of_members_alone_and_goes_with_them()
    {
        await _controller.Database.WriteAsync("revoke", transaction => DeviceStore.Revoke(transaction, "dev-1", "stolen", 0), CancellationToken.None);
        MetricBoard board = _controller.Host.Services.GetRequiredService<MetricBoard>();
        Wire.MetricReport metric = new() { Values = { ["load_average_1m"] = 1 } };
        foreach (string device in new[] { "dev-0", "dev-1", "nobody" })
        {
            await TakeAsync(new Topics("default", device).Metric, metric);
        }

        Assert.NotNull(board.Find("dev-0"));
        Assert.Null(board.Find("dev-1"));
        Assert.Null(board.Find("nobody"));

        await _controller.PostAsync("devices/dev-0/revoke", new JsonObject { ["reason"] = "scrapped" });
        using HttpResponseMessage removed = await _controller.Operator.DeleteAsync("devices/dev-0");
        removed.EnsureSuccessStatusCode();
        Assert.Null(board.Find("dev-0"));
    }

    private Task TakeAsync(string topic, IMessage message) => _controller.Ingest.TakeAsync(topic, message.ToByteArray(), CancellationToken.None);

    private static Wire.ReportHeader Header(long seq, long boot = 1) => new() { Boot = (ulong)boot, Seq = (ulong)seq };

    private static Wire.ShadowReport Tick(long seq, long? tick = null, int pairs = 10) => new()
    {
        Header = Header(seq), Model = "fashion", Digest = Digest.Of([1]).ToString(), RolloutId = "r1", Attempt = 1,
        Tick = ByteString.CopyFromUtf8($$"""{"schemaVersion":1,"tick":{{tick ?? seq}},"startedAt":"2026-11-20T00:00:00Z","durationMs":1000,"pairs":{{pairs}},"disagreements":0}"""),
    };

    private static Wire.BenchReport Bench(long seq, Digest digest)
    {
        BenchEvidence evidence = new()
        {
            Verdict = "pass", Difference = "none", Reason = "a test",
            Latency = new LatencyEvidence
            {
                Candidate = new LatencySummary { Inferences = 1, P50 = Percentile.Of(1), P90 = Percentile.Of(1), P95 = Percentile.Of(1), P99 = Percentile.Of(1), MeanMicros = 1 },
            },
            Memory = MemoryEvidence.Absent("none"), Energy = EnergyEvidence.Absent("none"), Counters = CounterEvidence.Absent("none"), ColdStart = new ColdStartEvidence(),
            Condition = default, Blocks = 1, Fingerprint = new Dictionary<string, string>(),
        };
        return new Wire.BenchReport
        {
            Header = Header(seq), Model = "fashion", Digest = digest.ToString(), RolloutId = "r1", Attempt = 1,
            Evidence = ByteString.CopyFrom(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(evidence, EvidenceJsonContext.Default.BenchEvidence)),
        };
    }

    private Task<T> ReadAsync<T>(Func<ReadSession, T> read) => _controller.Database.ReadAsync(read, CancellationToken.None);

    [Fact]
    public void In_whatever_order_and_however_often_reports_arrive_the_store_ends_the_same()
    {
        // Eight reports: six phases of one deployment, a declared gap over 7, and a state. Shuffled, with repeats.
        Gen<int[]> arrival = Gen.Shuffle([1, 2, 3, 4, 5, 6, 8, 9]).SelectMany(order =>
            Gen.Choose(1, 9).Where(seq => seq != 7).ListOf(6).SelectMany(repeats => Gen.Shuffle([.. order, .. repeats])));
        int device = 0;
        Prop.ForAll(arrival.ToArbitrary(), order =>
        {
            string id = $"dev-{device++}";
            Topics topics = new("default", id);
            foreach (int seq in order)
            {
                Send(topics, seq).GetAwaiter().GetResult();
            }
            var (contiguous, deployment, row, events) = ReadAsync(session => (
                IngestStore.FindContiguous(session, id, 1), DeploymentStore.ListOfDevice(session, id).Single(), DeviceStore.Find(session, id)!,
                IngestStore.ListEvents(session, id, 100))).GetAwaiter().GetResult();
            return contiguous == 9 && deployment.Phase == nameof(DeploymentPhase.Committed) && row.ReportedSeq == 9 && events.Count == 1;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

        Task Send(Topics topics, int seq) => seq switch
        {
            8 => TakeAsync(topics.Event("gap"), new Wire.GapReport { Header = Header(8), Dropped = { new Wire.SeqRange { First = 7, Last = 7 } }, Reason = "full" }),
            9 => TakeAsync(topics.Reported, new Wire.Reported { Header = Header(9), Generation = 4 }),
            _ => TakeAsync(topics.Deployment("fashion-r1"), new Wire.DeploymentReport
            {
                Header = Header(seq), Model = "fashion", Digest = Digest.Of([1]).ToString(), RolloutId = "r1", Attempt = 1,
                Phase = seq == 6 ? Wire.Phase.Committed : (Wire.Phase)seq,
            }),
        };
    }

    [Fact]
    public async Task A_hole_holds_the_acknowledgement_until_it_is_filled_or_declared()
    {
        Topics topics = new("default", "dev-1");
        foreach (long seq in (long[])[1, 2, 4, 5])
        {
            await TakeAsync(topics.Event("x"), new Wire.EventReport { Header = Header(seq) });
        }
        Assert.Equal(2, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1)));

        await TakeAsync(topics.Event("gap"), new Wire.GapReport { Header = Header(6), Dropped = { new Wire.SeqRange { First = 3, Last = 3 } } });
        Assert.Equal(6, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1)));
        Assert.Equal(5, (await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 100))).Count);
    }

    [Fact]
    public async Task A_gap_over_more_holes_than_the_ledger_remembers_is_taken_piece_by_piece_and_everything_ends_acknowledged()
    {
        // Every second report was dropped while the outbox was full; the declaration comes last, as the agent writes it.
        const int Kept = 4 * SequenceLedger.MaximumRanges;
        Topics topics = new("default", "dev-1");
        Wire.GapReport gap = new() { Header = Header(2 * Kept), Reason = "the outbox was full" };
        gap.Dropped.AddRange(Enumerable.Range(1, Kept - 1).Select(i => new Wire.SeqRange { First = (ulong)(2 * i), Last = (ulong)(2 * i) }));
        long contiguous = 0;
        int rounds = 0;
        for (; contiguous < 2 * Kept; rounds++)
        {
            Assert.True(rounds < 8, $"after {rounds} rounds {contiguous} of {2 * Kept} are acknowledged");
            for (long seq = 1; seq < 2 * Kept; seq += 2)
            {
                if (seq > contiguous)
                {
                    await TakeAsync(topics.Shadow(Digest.Of([1])), Tick(seq));
                }
            }
            await TakeAsync(topics.Event("gap"), gap);
            contiguous = await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1));
        }

        Assert.True(rounds > 1, "the ledger had room for all: the test proves nothing");
        Assert.Equal(Kept, (await ReadAsync(session => DeploymentStore.ListTicks(session, "r1", 1, 0, int.MaxValue))).Count);
        Assert.Single(await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 10)));
    }

    [Fact]
    public async Task A_new_incarnation_of_the_outbox_counts_from_one_and_old_ones_are_forgotten_in_time()
    {
        Topics topics = new("default", "dev-1");
        for (long boot = 1; boot <= 6; boot++)
        {
            await TakeAsync(topics.Event("x"), new Wire.EventReport { Header = Header(1, boot) });
        }
        Assert.Equal(6, (await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 100))).Count);

        // Of an incarnation that is forgotten nothing is taken a second time.
        await TakeAsync(topics.Event("x"), new Wire.EventReport { Header = Header(1, 1) });
        Assert.Equal(6, (await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 100))).Count);
        Assert.Equal(1, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 6)));
    }

    [Fact]
    public async Task A_late_will_of_an_older_connection_does_not_take_a_device_off_line()
    {
        Topics topics = new("default", "dev-1");
        await TakeAsync(topics.Presence, new Wire.Presence { Epoch = 7, Online = true });
        await TakeAsync(topics.Presence, new Wire.Presence { Epoch = 6, Online = false });
        Assert.True((await ReadAsync(session => DeviceStore.Find(session, "dev-1")))!.Online);

        await TakeAsync(topics.Presence, new Wire.Presence { Epoch = 7, Online = false });
        Assert.False((await ReadAsync(session => DeviceStore.Find(session, "dev-1")))!.Online);
    }

    [Fact]
    public async Task A_tick_beyond_any_deployment_is_refused_so_that_no_device_fills_the_disk()
    {
        Topics topics = new("default", "dev-1");
        await TakeAsync(topics.Shadow(Digest.Of([1])), Tick(1, tick: 100_001));
        await TakeAsync(topics.Shadow(Digest.Of([1])), Tick(2, tick: 100_000));

        Assert.Equal(100_000, Assert.Single(await ReadAsync(session => DeploymentStore.ListTicks(session, "r1", 1, 0, int.MaxValue))).Tick);
    }

    [Fact]
    public async Task A_tick_that_was_counted_never_changes()
    {
        Topics topics = new("default", "dev-1");
        Digest digest = Digest.Of([1]);
        await TakeAsync(topics.Shadow(digest), Tick(1, tick: 5, pairs: 10));
        await TakeAsync(topics.Shadow(digest), Tick(2, tick: 5, pairs: 99));

        TickRow tick = Assert.Single(await ReadAsync(session => DeploymentStore.ListTicks(session, "r1", 1, 0, int.MaxValue)));
        Assert.Contains("\"pairs\":10", tick.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evidence_of_what_nobody_ordered_is_acknowledged_said_once_and_not_kept()
    {
        Topics topics = new("default", "dev-1");
        long seq = 0;
        for (int round = 0; round < 2; round++)
        {
            foreach ((string rollout, uint attempt, Digest digest) in ((string, uint, Digest)[])[("r9", 1, Digest.Of([1])), ("r1", 2, Digest.Of([1])), ("r1", 1, Digest.Of([2]))])
            {
                Wire.ShadowReport tick = Tick(++seq);
                (tick.RolloutId, tick.Attempt, tick.Digest) = (rollout, attempt, digest.ToString());
                await TakeAsync(topics.Shadow(digest), tick);
                Wire.BenchReport bench = Bench(++seq, digest);
                (bench.RolloutId, bench.Attempt) = (rollout, attempt);
                await TakeAsync(topics.Bench(digest), bench);
                await TakeAsync(topics.Deployment("x"), new Wire.DeploymentReport
                {
                    Header = Header(++seq), Model = "fashion", Digest = digest.ToString(), RolloutId = rollout, Attempt = attempt, Phase = Wire.Phase.Committed,
                });
            }
        }
        // The control: the same of what was ordered is kept.
        await TakeAsync(topics.Shadow(Digest.Of([1])), Tick(++seq));
        await TakeAsync(topics.Bench(Digest.Of([1])), Bench(++seq, Digest.Of([1])));

        Assert.Equal(seq, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1)));
        Assert.Equal((1L, 1L, 0L), await ReadAsync(session => (Count(session, "ticks"), Count(session, "benches"), Count(session, "deployments"))));
        IReadOnlyList<DeviceEventRow> events = await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 100));
        Assert.Equal(9, events.Count);
        Assert.All(events, e => Assert.Equal("not-ordered", e.Type));

        static long Count(ReadSession session, string table) => session.QueryOne<long>($"SELECT COUNT(*) FROM {table}");
    }

    [Fact]
    public async Task A_rollback_that_a_device_decided_by_itself_is_kept_for_a_digest_that_was_published()
    {
        Digest published = await _controller.PublishAsync("v1");
        Topics topics = new("default", "dev-1");
        foreach ((long seq, Digest digest) in ((long, Digest)[])[(1, published), (2, Digest.Of([7]))])
        {
            await TakeAsync(topics.Deployment("x"), new Wire.DeploymentReport
            {
                Header = Header(seq), Model = "fashion", Digest = digest.ToString(), Attempt = 1, Phase = Wire.Phase.FailedRolledBack,
            });
        }
        Assert.Equal(published.ToString(), Assert.Single(await ReadAsync(session => DeploymentStore.ListOfDevice(session, "dev-1"))).Digest);
    }

    [Fact]
    public async Task A_tick_of_a_size_that_no_device_makes_is_put_aside()
    {
        Wire.ShadowReport tick = Tick(1);
        tick.Tick = ByteString.CopyFromUtf8(tick.Tick.ToStringUtf8().Replace("\"pairs\":", new string(' ', ShadowTick.MaximumBytes) + "\"pairs\":", StringComparison.Ordinal));
        await TakeAsync(new Topics("default", "dev-1").Shadow(Digest.Of([1])), tick);

        Assert.Contains($"at most {ShadowTick.MaximumBytes}", Assert.Single((await _controller.GetAsync("quarantine")).AsArray())!["reason"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Poison => new()
    {
        { "edgefleet/v1/default/dev-1/reported", "ff", "protobuf" },
        { "edgefleet/v1/default/dev-1/reported", "", "" },
        { "edgefleet/v1/default/dev-1/nonsense", "00", "not a kind of report" },
        { "edgefleet/v1/other/dev-1/reported", "00", "tenant 'other'" },
        { "somewhere/else", "00", "not one of a device" },
        { "edgefleet/v1/default/dev-1/event/x", "", "" },
        { "edgefleet/v1/default/dev-1/event/x", "0a00", "no header" },
        { "edgefleet/v1/default/nobody/event/x", "0a0408011001", "not known" },
    };

    [Theory, MemberData(nameof(Poison))]
    public async Task What_cannot_be_read_is_put_aside_with_the_reason_and_the_rest_goes_on(string topic, string hex, string why)
    {
        await _controller.Ingest.TakeAsync(topic, Convert.FromHexString(hex), CancellationToken.None);
        await TakeAsync(new Topics("default", "dev-1").Event("x"), new Wire.EventReport { Header = Header(1) });

        JsonArray aside = (await _controller.GetAsync("quarantine")).AsArray();
        if (hex.Length == 0)
        {
            // A retained topic was cleared: nothing is said, so nothing is wrong.
            Assert.Empty(aside);
        }
        else
        {
            Assert.Contains(why, Assert.Single(aside)!["reason"]!.GetValue<string>(), StringComparison.Ordinal);
        }
        Assert.Equal(1, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1)));
    }

    [Fact]
    public async Task A_poisonous_report_with_a_readable_header_is_counted_so_that_the_device_stops_sending_it()
    {
        Topics topics = new("default", "dev-1");
        await TakeAsync(topics.Event("x"), new Wire.EventReport { Header = Header(1) });
        await TakeAsync(topics.Bench(Digest.Of([1])), new Wire.BenchReport { Header = Header(2), Model = "fashion", Digest = Digest.Of([1]).ToString(), Evidence = ByteString.CopyFromUtf8("{") });
        await TakeAsync(topics.Bench(Digest.Of([1])), new Wire.BenchReport { Header = Header(3), Model = "fashion", Digest = Digest.Of([2]).ToString() });
        await TakeAsync(topics.Deployment("x"), new Wire.DeploymentReport { Header = Header(4), Model = "NOT A NAME", Digest = "?" });

        Assert.Equal(4, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-1", 1)));
        Assert.Equal(3, (await _controller.GetAsync("quarantine")).AsArray().Count);
        Assert.Empty(await ReadAsync(session => DeploymentStore.ListBenches(session, "", 0)));
    }

    [Fact]
    public async Task Ten_thousand_mutilated_messages_change_no_device_and_stop_nothing()
    {
        Topics topics = new("default", "dev-1");
        byte[] good = new Wire.DeploymentReport
        {
            Header = Header(1), Model = "fashion", Digest = Digest.Of([1]).ToString(), RolloutId = "r1", Attempt = 1, Phase = Wire.Phase.Staged, Detail = "fine",
        }.ToByteArray();
        Random random = new(4711);
        List<Task> sent = [];
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bad = [.. good];
            for (int flips = random.Next(1, 6); flips > 0; flips--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }
            sent.Add(_controller.Ingest.TakeAsync(random.Next(2) == 0 ? topics.Deployment("fashion-r1") : topics.Reported, bad.AsMemory(0, random.Next(1, bad.Length)), CancellationToken.None));
        }
        await Task.WhenAll(sent);

        await TakeAsync(new Topics("default", "dev-2").Event("x"), new Wire.EventReport { Header = Header(1) });
        Assert.Equal(1, await ReadAsync(session => IngestStore.FindContiguous(session, "dev-2", 1)));
        Assert.True((await _controller.GetAsync("quarantine?limit=1000")).AsArray().Count <= 1000);
    }

    [Fact]
    public async Task Text_from_a_device_carries_no_control_characters_further()
    {
        Topics topics = new("default", "dev-1");
        await TakeAsync(topics.Event("x"), new Wire.EventReport { Header = Header(1), Detail = "red\u001b[31m alert\r\n\u0007" + new string('x', 5000) });

        DeviceEventRow row = Assert.Single(await ReadAsync(session => IngestStore.ListEvents(session, "dev-1", 10)));
        Assert.DoesNotContain(row.Detail, char.IsControl);
        Assert.Equal(1024, row.Detail.Length);
    }
}
