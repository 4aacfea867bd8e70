using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Onnx;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class CrashLedgerTests : IDisposable
{
    private static readonly Digest s_a = Digest.Of("a"u8);
    private static readonly Digest s_b = Digest.Of("b"u8);
    private readonly DeviceState _state = new();

    [Fact]
    public void Each_start_that_does_not_end_in_order_counts_against_what_was_charged()
    {
        for (int crash = 1; crash <= 3; crash++)
        {
            CrashLedger ledger = Start();
            ledger.Charge("m", s_a);
            ledger.Loaded();
            Assert.Equal(crash, Start().CrashesOf("m", s_a));
        }
        Assert.Equal(0, Start().CrashesOf("m", s_b));
    }

    [Fact]
    public void An_orderly_end_takes_back_this_runs_charge_only()
    {
        Start().Charge("m", s_a);
        CrashLedger second = Start();
        second.Charge("m", s_a);
        second.Loaded();
        second.EndOrderly();

        Assert.Equal(1, Start().CrashesOf("m", s_a));
    }

    [Fact]
    public void A_healthy_digest_is_forgiven_everything()
    {
        Start().Charge("m", s_a);
        CrashLedger second = Start();
        second.Charge("m", s_a);
        second.Loaded();
        second.Clear("m", s_a);

        Assert.Equal(0, Start().CrashesOf("m", s_a));
    }

    [Fact]
    public void A_crash_while_loading_counts_against_the_model_that_was_loading()
    {
        CrashLedger ledger = Start();
        ledger.Charge("innocent", s_a);
        ledger.Loaded();
        ledger.Charge("guilty", s_b);

        CrashLedger next = Start();
        Assert.Equal((0, 1), (next.CrashesOf("innocent", s_a), next.CrashesOf("guilty", s_b)));
    }

    [Theory, InlineData(""), InlineData("{"), InlineData("""{"schemaVersion":9,"pid":1,"startedAt":"2026-01-01T00:00:00Z"}""")]
    public void A_damaged_ledger_begins_anew(string content)
    {
        _state.Write("serve.json", content);
        Assert.Equal(0, Start().CrashesOf("m", s_a));
    }

    [Fact]
    public void On_a_full_disk_it_counts_in_memory_says_so_once_and_is_saved_when_there_is_room()
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory("/serve", UnixFileMode.None);
        LogWatch log = new();
        CrashLedger Begin() => new("/serve/serve.json", DateTimeOffset.UnixEpoch, disk, log);
        Begin().Charge("m", s_a);
        disk.CapacityBytes -= disk.AvailableBytes("/");

        CrashLedger full = Begin();
        full.Charge("m", s_a);
        full.Charge("m", s_b);
        full.Loaded();
        Assert.Equal((2, 1), (full.CrashesOf("m", s_a), full.CrashesOf("m", s_b)));
        Assert.Contains("No space left", Assert.Single(log.Messages), StringComparison.Ordinal);
        // The negative control: nothing of it is on the disk.
        Assert.Equal((1, 0), (Begin().CrashesOf("m", s_a), Begin().CrashesOf("m", s_b)));

        disk.CapacityBytes += 1 << 20;
        full.Charge("m", s_b);
        Assert.Equal((2, 2), (Begin().CrashesOf("m", s_a), Begin().CrashesOf("m", s_b)));
    }

    [Fact]
    public async Task A_digest_that_crashed_the_runner_three_times_gives_way_to_the_previous_one_until_someone_decides_anew()
    {
        Digest good = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest bad = _state.AddArtifact("add", TinyModel.AddBias([2]));
        _state.Point("add", bad, previous: good);
        for (int crash = 0; crash < CrashLedger.Limit; crash++)
        {
            EarlierRun().Charge("add", bad);
        }

        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        ModelStatus status = await runner.StatusAsync("add");
        Assert.Equal((good.ToString(), status.Wanted), (status.Active, status.FellBackFrom));
        Assert.Contains("ended the runner 3 times in a row", status.Error, StringComparison.Ordinal);

        // The supervisor makes the fallback durable, and later somebody raises the attempt.
        _state.Point("add", good, previous: bad);
        Assert.Null((await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single().FellBackFrom);
        _state.Point("add", bad, previous: good);
        Assert.Equal(bad.ToString(), (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single().Active);
    }

    [Fact]
    public async Task After_a_healthy_minute_a_crash_begins_a_new_count()
    {
        Digest digest = _state.AddArtifact("add", TinyModel.AddBias([1]));
        _state.Point("add", digest);
        EarlierRun().Charge("add", digest);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        Assert.Equal(2, Counted());

        // A model that appears tells by its log entry that the look after the minute has come and gone.
        for (int look = 0; look < 2; look++)
        {
            _state.Point($"more-{look}", _state.AddArtifact($"more-{look}", TinyModel.AddBias([5])));
            Task looked = runner.Log.Next(2001);
            runner.Time.Advance(look == 0 ? ModelTable.HealthyAfter : ModelTable.LookEvery);
            await looked;
        }

        Assert.Equal(0, Counted());

        int Counted() => Open(CopyOf("serve/serve.json")).CrashesOf("add", digest);
    }

    public void Dispose() => _state.Dispose();

    private CrashLedger EarlierRun()
    {
        Directory.CreateDirectory(_state["serve"]);
        return Open(_state["serve/serve.json"]);
    }

    private CrashLedger Start() => Open(_state["serve.json"]);

    private static CrashLedger Open(string path) => new(path, DateTimeOffset.UnixEpoch, LinuxFileStore.Instance, NullLogger.Instance);

    private string CopyOf(string file)
    {
        File.Copy(_state[file], _state["copy.json"], overwrite: true);
        return _state["copy.json"];
    }
}
