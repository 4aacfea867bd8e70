using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Testing.Files;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Reporting;

public sealed class MetricLoopTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly ImpatientTime _time = new();
    private readonly Topics _topics = new("default", "device-1");
    private readonly StateFolder _state;
    private readonly SlotTable _slots;
    private readonly Outbox _outbox;
    private readonly TaskCompletionSource<MqttMessage> _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MetricLoopTests()
    {
        _state = new StateFolder(DeviceRig.Root, _disk);
        _state.Prepare();
        _slots = new SlotTable(_state, _time, NullLogger<SlotTable>.Instance);
        _slots.Write("fashion", Digest.Of([1]), null, null);
        _outbox = Outbox.Open(_disk, _state.Outbox, _topics.Event("gap"), new OutboxOptions(), _time, NullLogger<Outbox>.Instance);
    }

    public void Dispose() => _outbox.Dispose();

    [Fact]
    public async Task A_device_says_how_it_and_its_models_are_doing_where_it_may_be_lost()
    {
        MqttMessage said = await SaidAsync(new Runner(Model()));

        Assert.Equal((MqttQos.AtMostOnce, false, _topics.Metric), (said.Qos, said.Retain, said.Topic));
        Wire.MetricReport report = Wire.MetricReport.Parser.ParseFrom(said.Payload.Span);
        Assert.Equal(7, report.Values["load_average_1m"]);
        Assert.Equal(1, report.Values["outbox_reports"]);
        Assert.Equal(5000, report.Values["runner_memory_bytes"]);
        Assert.Equal((12, 41.5), (report.Models["fashion"].Values["requests"], report.Models["fashion"].Values["p95_us"]));
    }

    [Fact]
    public async Task A_runner_that_does_not_answer_is_an_absent_reading_and_never_zero()
    {
        Wire.MetricReport report = Wire.MetricReport.Parser.ParseFrom((await SaidAsync(new Runner(null))).Payload.Span);

        Assert.Equal(["load_average_1m", "outbox_bytes", "outbox_reports"], report.Values.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(report.Models);
    }

    [Fact]
    public async Task Where_there_is_no_model_yet_no_runner_is_asked()
    {
        _slots.Clear("fashion");
        Runner runner = new(Model());

        Wire.MetricReport report = Wire.MetricReport.Parser.ParseFrom((await SaidAsync(runner)).Payload.Span);

        Assert.Empty(report.Models);
        Assert.Equal(0, runner.Asked);
    }

    private async Task<MqttMessage> SaidAsync(IModelRunner runner)
    {
        _outbox.Append(ReportClass.Evidence, _topics.Event("x"), false, new Wire.EventReport { Subject = "waits" });
        EnrollmentDocument identity = new() { DeviceId = "device-1", Tenant = "default", Endpoints = new EnrolledEndpoints("", ""), RootPin = "", ReleaseKeys = [] };
        ReportPublisher publisher = new(
            _outbox, identity, _topics, new PresenceEpoch(_state, _time), address => new MqttSessionOptions { Host = address.Host, ClientId = "device-1" },
            settings => new LossyBroker(settings, static _ => false, message => _ = message.Topic == _topics.Metric && _said.TrySetResult(message)),
            new PublisherOptions(), TimeProvider.System, NullLogger<ReportPublisher>.Instance);
        using CancellationTokenSource stop = new();
        Task publishing = publisher.RunAsync(stop.Token);
        publisher.Use(new BrokerAddress("127.0.0.1", 8883));
        Task speaking = new MetricLoop(publisher, new Gauges(), new ModelRunners(runner), _slots, _outbox, new MetricOptions { First = TimeSpan.FromMilliseconds(1), Every = TimeSpan.FromMilliseconds(1) }, TimeProvider.System)
            .RunAsync(stop.Token);

        MqttMessage said = await _said.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => speaking.WaitAsync(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WaitAsync(TimeSpan.FromSeconds(20)));
        return said;
    }

    private static RunnerModel Model() => new() { Model = "fashion", Active = Digest.Of([1]), Requests = 12, P95Micros = 41.5, ResidentBytes = 5000 };

    private sealed class Gauges : IDeviceGauges
    {
        public IReadOnlyDictionary<string, double> Read() => new Dictionary<string, double> { ["load_average_1m"] = 7 };
    }

    /// <summary>A runner that serves one model, or does not answer.</summary>
    private sealed class Runner(RunnerModel? serves) : IModelRunner
    {
        public int Asked { get; private set; }

        public Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken) => throw new NotSupportedException("A reading changes nothing.");

        public Task<RunnerReport> StatusAsync(CancellationToken cancellationToken)
        {
            Asked++;
            return serves is null ? throw new RunnerAwayException("connection refused") : Task.FromResult(new RunnerReport(DateTimeOffset.UnixEpoch, [serves]));
        }
    }
}
