using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Reporting;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Kernel;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf.WellKnownTypes;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Running;

/// <summary>What a start of the agent makes of the folder that it finds.</summary>
public sealed class DeviceAgentTests : IAsyncLifetime
{
    private readonly SimulatedDisk _disk = new();
    private readonly LogWatch _log = new();
    private ScriptedController _controller = null!;
    private StateFolder _state = null!;

    public async Task InitializeAsync()
    {
        _controller = await ScriptedController.StartAsync();
        _state = EnrolledDevice.Create(_controller, _disk);
    }

    public async Task DisposeAsync() => await _controller.DisposeAsync();

    [Fact]
    public void What_the_workers_of_a_killed_agent_left_is_gone()
    {
        DurableFile.Write(_disk, $"{_state.Jobs}/shadow-1.json", "{}"u8);

        using DeviceAgent agent = Create();

        Assert.Empty(_disk.List(_state.Jobs));
    }

    [Fact]
    public void An_identity_that_came_back_from_its_copy_is_told_to_the_log_and_to_the_fleet()
    {
        Create().Dispose();
        DurableFile.Write(_disk, $"{_state.Identity}/device.key", "no key"u8);

        using DeviceAgent agent = Create();

        Assert.Equal(EnrolledDevice.Id, agent.Identity.DeviceId);
        Assert.Contains("'device.key' or 'device.pem' is damaged", Assert.Single(_log.Messages), StringComparison.Ordinal);
        Wire.EventReport told = Wire.EventReport.Parser.ParseFrom(Assert.Single(agent.Outbox.ReadAfter(0, 10), message => message.Topic.EndsWith("/event/identity-mended", StringComparison.Ordinal)).Payload);
        Assert.Equal(EnrolledDevice.Id, told.Subject);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task The_broker_is_judged_by_the_roots_that_the_controller_names_else_by_those_of_the_fleet(bool named)
    {
        string others = CertificateAuthority.Create("someone else", TimeProvider.System).RootPem;
        TaskCompletionSource<MqttSessionOptions> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using DeviceAgent agent = Create(options =>
        {
            opened.TrySetResult(options);
            return new LossyBroker(options, static _ => false, static _ => { });
        });
        using CancellationTokenSource stop = new();
        Task running = agent.RunAsync(stop.Token);

        ScriptedStream stream = await _controller.Fleet.NextStreamAsync();
        await stream.SayAsync(new Wire.SyncEvent
        {
            Welcome = new Wire.Welcome
            {
                Epoch = 1, Time = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow()), BeatIntervalMs = 30_000, Tenant = "default",
                MqttHost = "127.0.0.1", MqttPort = 8883, MqttRootsPem = named ? others : "",
            },
        });
        MqttSessionOptions options = await opened.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await stop.CancelAsync();
        await Task.WhenAny(running).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal((named ? others : _controller.Authority.RootPem).Trim(), Assert.Single(options.Tls!.TrustedRoots).ExportCertificatePem().Trim());
    }

    [Fact]
    public async Task A_button_is_watched_for_as_long_as_the_agent_runs()
    {
        ScriptedGpioChip chip = new();
        using DeviceAgent agent = Create(gpio: chip);
        using CancellationTokenSource stop = new();

        Task running = agent.RunAsync(stop.Token);
        await chip.Idle.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Single(chip.Descriptors);
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal("/dev/gpiochip2", chip.OpenedPath);
        Assert.Empty(chip.Descriptors);
    }

    private DeviceAgent Create(Func<MqttSessionOptions, IMqttSession>? broker = null, ScriptedGpioChip? gpio = null) => DeviceAgent.Create(
        _state, new AgentOptions { RollbackButton = gpio is null ? null : new GpioAddress("gpiochip2", 7) }, new AgentSeams
    {
        Gpio = gpio ?? (IGpioKernel)GpioKernel.Host,
        Broker = broker ?? (static options => new MqttSession(options)),
        Runner = new FakeRunner(_disk, DeviceRig.Root),
        Trials = new FakeTrials(),
        Facts = new Machine(),
        Loggers = _log,
    });

    private sealed class Machine : EdgeFleet.Agent.Devices.IDeviceFacts
    {
        public EdgeFleet.Core.Devices.HardwareFacts Read() => DeviceRig.Hardware;
    }
}
