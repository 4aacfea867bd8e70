using System.Globalization;
using System.Text.RegularExpressions;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Protocol;
using EdgeFleet.Testing.Files;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Syncing;

/// <summary>The stream to the controller: what comes by it, how it ends, and how it comes back.</summary>
public sealed class SyncLoopTests : IAsyncLifetime
{
    private static readonly Digest s_digest = Digest.Of("x"u8);
    private SyncRig _rig = null!;

    public async Task InitializeAsync() => _rig = await SyncRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task A_stream_that_ends_is_opened_again_and_says_what_is_known_here()
    {
        ScriptedStream first = await _rig.ConnectAsync();
        Assert.Equal((0UL, 0UL, (ulong)_rig.Outbox.Boot, 0UL), (first.Request.KnownGeneration, first.Request.KnownEpoch, first.Request.OutboxBoot, first.Request.ReleasedSeq));
        _rig.Outbox.Append(ReportClass.Evidence, "edgefleet/v1/default/device-1/event/x", false, new Wire.EventReport { Subject = "s" });
        _rig.Outbox.Flush();
        await first.AckAsync(_rig.Outbox.Boot, 1);
        await first.WantAsync(5, 7, Wanted.Install(s_digest));
        Assert.Equal(["fashion"], await _rig.ChangedAsync());
        first.Fail(StatusCode.Unavailable, "the controller stops");

        ScriptedStream second = await _rig.ReconnectedAsync();
        Assert.Equal((5UL, 7UL, 1UL), (second.Request.KnownGeneration, second.Request.KnownEpoch, second.Request.ReleasedSeq));
        Assert.Contains(_rig.Log.Messages, message => message.Contains("Unavailable: the controller stops", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_certificate_that_has_ended_is_renewed_before_anything_else_and_the_device_is_back()
    {
        ScriptedStream first = await _rig.ConnectAsync();
        _rig.Controller.Fleet.Refuse = _ => _rig.Controller.Enrollment.Renewals == 0 ? new Status(StatusCode.Unauthenticated, "the certificate ended") : null;
        _rig.Time.Advance(TimeSpan.FromDays(40));
        first.Fail(StatusCode.Unavailable, "away for weeks");

        ScriptedStream back = await _rig.ReconnectedAsync();
        Assert.Equal((EnrolledDevice.Id, 1), (back.Device, _rig.Controller.Enrollment.Renewals));
        Assert.Contains(_rig.Log.Messages, message => message.Contains("the certificate ended; it is renewed now", StringComparison.Ordinal));
        await back.WelcomeAsync(_rig.Time.GetUtcNow());
        await back.WantAsync(1, 1, Wanted.Install(s_digest));
        await _rig.ChangedAsync();
    }

    [Fact]
    public async Task A_certificate_that_ended_and_is_not_renewed_is_said_with_what_to_do()
    {
        ScriptedStream first = await _rig.ConnectAsync();
        _rig.Controller.Fleet.Refuse = _ => new Status(StatusCode.Unauthenticated, "the certificate ended");
        _rig.Controller.Enrollment.Renewal = (_, _) => throw new RpcException(new Status(StatusCode.PermissionDenied, "device 'device-1' is revoked"));
        first.Fail(StatusCode.Unavailable, "away for weeks");
        await _rig.AwayAsync();
        Task<string> again = _rig.AwayAsync();
        await _rig.PassUntilAsync(again);

        Assert.Contains(_rig.Log.Messages, message =>
            message.Contains("was not renewed (PermissionDenied: device 'device-1' is revoked)", StringComparison.Ordinal) && message.Contains("enrol anew", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Generations_and_epochs_that_go_backwards_are_ignored()
    {
        ScriptedStream stream = await _rig.ConnectAsync();
        await stream.WantAsync(5, 2, Wanted.Install(s_digest));
        await _rig.ChangedAsync();
        await stream.WantAsync(4, 2, Wanted.Install(Digest.Of("older"u8)));
        await stream.WantAsync(6, 1, Wanted.Install(Digest.Of("of a controller that was replaced"u8)));
        await stream.WantAsync(7, 2, Wanted.Install(s_digest), Wanted.Install(s_digest, model: "sound"));

        // The first change to come after the two that were ignored.
        Assert.Equal(["sound"], await _rig.ChangedAsync());
        Assert.Equal((7, s_digest), (_rig.Desired.Generation, _rig.Desired.Find("fashion")!.Digest));
        Assert.Equal(2, _rig.Log.Messages.Count(message => message.Contains("is ignored", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Three_beats_of_silence_end_a_stream_that_only_looks_open()
    {
        ScriptedStream stream = await _rig.ConnectAsync(beatMs: 1000);
        await stream.WantAsync(1, 1);
        await _rig.ChangedAsync();
        _rig.Time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.True(_rig.Loop.IsConnected);
        _rig.Time.Advance(TimeSpan.FromSeconds(0.1));

        await _rig.ReconnectedAsync();
        Assert.Equal(2, _rig.Controller.Fleet.Opens);
    }

    [Fact]
    public async Task A_stream_on_which_anything_comes_in_time_is_kept()
    {
        ScriptedStream stream = await _rig.ConnectAsync(beatMs: 1000);
        for (int generation = 1; generation <= 5; generation++)
        {
            await stream.WantAsync(generation, 1);
            await _rig.ChangedAsync();
            _rig.Time.Advance(TimeSpan.FromSeconds(2.9));
        }
        Assert.True(_rig.Loop.IsConnected);
        Assert.Equal(1, _rig.Controller.Fleet.Opens);
    }

    [Fact]
    public async Task An_acknowledgement_empties_the_outbox_up_to_its_number()
    {
        for (int i = 0; i < 3; i++)
        {
            _rig.Outbox.Append(ReportClass.Evidence, "edgefleet/v1/default/device-1/event/x", false, new Wire.EventReport { Subject = "s" });
        }
        _rig.Outbox.Flush();
        ScriptedStream stream = await _rig.ConnectAsync();
        await stream.AckAsync(_rig.Outbox.Boot + 1, 3);
        await stream.AckAsync(_rig.Outbox.Boot, 2);
        await stream.WantAsync(1, 1);
        await _rig.ChangedAsync();

        Assert.Equal((2L, 1), (_rig.Outbox.AcknowledgedSeq, _rig.Outbox.Count));
    }

    public static TheoryData<string, string> Malformed => new()
    {
        { "goal", "desired state of model 'fashion': goal 99 is not known" },
        { "reason", "desired state of model 'fashion': reason 0 is not known" },
        { "digest", "desired state of model 'fashion': 'sha256:beef' is not a digest" },
        { "deadline", "desired state of model 'fashion': deadline of 9223372036854775807 s" },
        { "attempt", "desired state of model 'fashion': attempt 4294967295 is above" },
        { "rollout", "desired state of model 'fashion': rollout '../../etc'" },
        { "margin", "desired state of model 'fashion': plan: bench_latency_margin NaN is not a number" },
        { "share", "desired state of model 'fashion': plan: shadow_sampling_share -1 is below 0" },
        { "tick", "desired state of model 'fashion': plan: shadow_tick_ms 4294967295 is above" },
        { "model", "desired model 'Fashion/..'" },
        { "generation", "desired state: generation 18446744073709551615 is above" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public async Task A_desired_state_that_cannot_be_read_is_refused_by_name_and_costs_nothing(string what, string why)
    {
        ScriptedStream stream = await _rig.ConnectAsync();
        await stream.WantAsync(5, 1, Wanted.Install(s_digest));
        await _rig.ChangedAsync();
        byte[] stored = _rig.Disk.Read(_rig.State.Desired)!;

        Wire.DesiredState bad = DesiredMapping.ToWire(new DesiredState(6, 1, new Dictionary<string, DesiredDeployment> { ["fashion"] = Wanted.Install(s_digest) }));
        Wire.DesiredDeployment model = bad.Models["fashion"];
        switch (what)
        {
            case "goal": model.Goal = (Wire.Goal)99; break;
            case "reason": model.Reason = Wire.Reason.Unspecified; break;
            case "digest": model.Digest = "sha256:beef"; break;
            case "deadline": model.Deadline = new Timestamp { Seconds = long.MaxValue }; break;
            case "attempt": model.Attempt = uint.MaxValue; break;
            case "rollout": model.RolloutId = "../../etc"; break;
            case "margin": model.Plan.BenchLatencyMargin = double.NaN; break;
            case "share": model.Plan.ShadowSamplingShare = -1; break;
            case "tick": model.Plan.ShadowTickMs = uint.MaxValue; break;
            case "model": bad.Models.Add("Fashion/..", model); break;
            default: bad.Generation = ulong.MaxValue; break;
        }
        await stream.WantAsync(bad);

        Assert.StartsWith($"{bad.Generation}: {why}", await _rig.RefusedAsync(), StringComparison.Ordinal);
        Assert.Equal(stored, _rig.Disk.Read(_rig.State.Desired));
        // The same stream brings the next one.
        await stream.WantAsync(7, 1, Wanted.Install(s_digest), Wanted.Install(s_digest, model: "sound"));
        Assert.Equal(["sound"], await _rig.ChangedAsync());
        Assert.Equal(1, _rig.Controller.Fleet.Opens);
    }

    public static TheoryData<string> AbsurdMessages => ["welcome time", "beat time", "port", "host", "roots without a certificate", "roots that are none", "acked", "longest beat", "nothing"];

    [Theory, MemberData(nameof(AbsurdMessages))]
    public async Task A_message_that_makes_no_sense_ends_at_most_the_stream(string what)
    {
        Timestamp never = new() { Seconds = long.MinValue };
        Timestamp now = Timestamp.FromDateTimeOffset(_rig.Time.GetUtcNow());
        Wire.Welcome welcome = new() { Epoch = 1, Time = now, BeatIntervalMs = 1000, MqttHost = "127.0.0.1", MqttPort = 8883 };
        Wire.SyncEvent absurd = what switch
        {
            "welcome time" => new Wire.SyncEvent { Welcome = new Wire.Welcome(welcome) { Time = never } },
            "beat time" => new Wire.SyncEvent { Beat = new Wire.Beat { Time = never } },
            "port" => new Wire.SyncEvent { Welcome = new Wire.Welcome(welcome) { MqttPort = 70_000 } },
            "host" => new Wire.SyncEvent { Welcome = new Wire.Welcome(welcome) { MqttHost = "" } },
            "roots without a certificate" => new Wire.SyncEvent { Welcome = new Wire.Welcome(welcome) { MqttRootsPem = "none" } },
            "roots that are none" => new Wire.SyncEvent
            {
                Welcome = new Wire.Welcome(welcome) { MqttRootsPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
            },
            "acked" => new Wire.SyncEvent { Acked = new Wire.Acked { Boot = (ulong)_rig.Outbox.Boot, ContiguousSeq = ulong.MaxValue } },
            "longest beat" => new Wire.SyncEvent { Welcome = new Wire.Welcome(welcome) { BeatIntervalMs = uint.MaxValue } },
            _ => new Wire.SyncEvent(),
        };
        ScriptedStream stream = await _rig.Controller.Fleet.NextStreamAsync();
        await stream.SayAsync(absurd);
        stream.End();

        ScriptedStream second = await _rig.ReconnectedAsync();
        await second.WelcomeAsync(_rig.Time.GetUtcNow());
        await second.WantAsync(1, 1, Wanted.Install(s_digest));
        Assert.Equal(["fashion"], await _rig.ChangedAsync());
    }

    [Fact]
    public async Task A_controller_that_greets_and_then_fails_is_not_called_in_a_hurry()
    {
        await using SyncRig rig = await SyncRig.StartAsync(longestRetry: TimeSpan.FromSeconds(30));
        for (int i = 0; i < 16; i++)
        {
            ScriptedStream stream = i == 0 ? await rig.Controller.Fleet.NextStreamAsync() : await rig.ReconnectedAsync();
            await stream.WelcomeAsync(rig.Time.GetUtcNow());
            stream.Fail(StatusCode.Internal, "the database is away");
        }
        // Nine pauses of up to half a minute each: together under eight seconds once in 10¹⁰ runs.
        Assert.InRange(Pauses(rig).Skip(6).Take(9).Sum(pause => pause.TotalSeconds), 8, 9 * 30);
    }

    [Fact]
    public async Task A_device_that_is_shut_out_says_so_and_asks_more_and_more_rarely()
    {
        await using SyncRig rig = await SyncRig.StartAsync(longestRetry: TimeSpan.FromSeconds(30));
        ScriptedStream first = await rig.Controller.Fleet.NextStreamAsync();
        rig.Controller.Fleet.Refuse = device => new Status(StatusCode.PermissionDenied, $"device '{device}' is revoked");
        DateTimeOffset start = rig.Time.GetUtcNow();
        first.End();
        await rig.AwayAsync();
        for (int attempt = 0; attempt < 17; attempt++)
        {
            await rig.PassUntilAsync(rig.AwayAsync());
        }
        Assert.Contains(rig.Log.Messages, message => message.Contains("PermissionDenied: device 'device-1' is revoked", StringComparison.Ordinal));
        Assert.True(rig.Time.GetUtcNow() - start > TimeSpan.FromSeconds(30), $"17 attempts in {rig.Time.GetUtcNow() - start}");
    }

    [Theory, InlineData("welcome"), InlineData("acknowledgement"), InlineData("beat")]
    public async Task Whatever_a_device_hears_it_renews_a_certificate_that_is_due(string what)
    {
        // A busy one hears acknowledgements and never a beat, one whose link flaps little else than welcomes.
        ScriptedStream stream = await _rig.Controller.Fleet.NextStreamAsync();
        await stream.BeatAsync(_rig.Time.GetUtcNow());
        await stream.WantAsync(1, 1);
        await _rig.ChangedAsync();
        _rig.Time.Advance(CertificateAuthority.DeviceLifetime * 2 / 3);
        Assert.Equal(0, _rig.Controller.Enrollment.Renewals);

        await (what switch
        {
            "welcome" => stream.WelcomeAsync(_rig.Time.GetUtcNow()),
            "acknowledgement" => stream.AckAsync(_rig.Outbox.Boot, 0),
            _ => stream.BeatAsync(_rig.Time.GetUtcNow()),
        });

        await _rig.ReconnectedAsync();
        Assert.Equal(1, _rig.Controller.Enrollment.Renewals);
        Assert.Contains(_rig.Log.Messages, message => message.Contains("the certificate was renewed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_desired_state_that_a_full_disk_did_not_take_is_asked_for_again()
    {
        ScriptedStream stream = await _rig.ConnectAsync();
        long capacity = _rig.Disk.CapacityBytes;
        _rig.Disk.CapacityBytes -= _rig.Disk.AvailableBytes("/") - 10;
        await stream.WantAsync(1, 1, Wanted.Install(s_digest));

        ScriptedStream second = await _rig.ReconnectedAsync();
        Assert.Equal(0UL, second.Request.KnownGeneration);
        _rig.Disk.CapacityBytes = capacity;
        await second.WelcomeAsync(_rig.Time.GetUtcNow());
        await second.WantAsync(1, 1, Wanted.Install(s_digest));
        Assert.Equal(["fashion"], await _rig.ChangedAsync());
    }

    public static TheoryData<PowerCutLoss> Losses => [.. System.Enum.GetValues<PowerCutLoss>()];

    [Theory, MemberData(nameof(Losses))]
    public void A_power_cut_while_a_desired_state_is_stored_leaves_the_old_one_or_the_new_and_acts_on_neither(PowerCutLoss loss)
    {
        List<long> found = [];
        for (int cut = 1; cut <= 5; cut++)
        {
            found.Add(Cut(Fresh(), cut, loss));
        }
        Assert.Contains(1, found);
        Assert.All(found, generation => Assert.InRange(generation, 1, 2));

        static DesiredState State(long generation) => new(generation, 1, new Dictionary<string, DesiredDeployment> { ["fashion"] = Wanted.Install(s_digest) });

        static SimulatedDisk Fresh()
        {
            SimulatedDisk fresh = new();
            StateFolder folder = new(DeviceRig.Root, fresh);
            folder.Prepare();
            new DesiredStore(folder, NullLogger<DesiredStore>.Instance).Accept(State(1));
            return fresh;
        }

        static long Cut(SimulatedDisk on, int cut, PowerCutLoss loss)
        {
            DesiredStore store = new(new StateFolder(DeviceRig.Root, on), NullLogger<DesiredStore>.Instance);
            on.CutBefore = on.Operations.Count + cut;
            Assert.Throws<PowerCutException>(() => store.Accept(State(2)));
            Assert.Equal(1, store.Generation);
            return new DesiredStore(new StateFolder(DeviceRig.Root, on.AfterPowerCut(loss)), NullLogger<DesiredStore>.Instance).Generation;
        }
    }

    [Fact]
    public void A_folder_with_the_certificate_of_another_device_is_refused_at_the_start()
    {
        SimulatedDisk disk = new();
        StateFolder state = EnrolledDevice.Create(_rig.Controller, disk, certificateFor: "device-2");

        FormatException refused = Assert.Throws<FormatException>(() =>
            new ControllerLink(new IdentityFiles(state), EnrolledDevice.Document(_rig.Controller), _rig.Time, NullLogger<ControllerLink>.Instance));
        Assert.Contains("for 'device-2', its enrolment for 'device-1'", refused.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<TimeSpan> Pauses(SyncRig rig) => rig.Log.Messages
        .Select(message => Regex.Match(message, @"next attempt in (\S+)$"))
        .Where(match => match.Success)
        .Select(match => TimeSpan.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
}
