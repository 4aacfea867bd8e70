using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Tests.Rollouts;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Testing.Controllers;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Kills;

/// <summary>
/// A rig's device on real links to a controller in another process: it keeps each report until the controller has acknowledged
/// it, sends again what it has not, and makes a new link whenever one ends.
/// </summary>
internal sealed class LinkedDevice : IAsyncDisposable
{
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly ControllerProcess _controller;
    private readonly PemIdentity _identity;
    private readonly X509Certificate2Collection _roots = [];
    private readonly X509Certificate2 _issuer;
    private readonly CancellationTokenSource _stop = new();
    private readonly RigDevice _device;
    // The device is moved by its links and by the test.
    private readonly Lock _lock = new();
    private Task _life = Task.CompletedTask;
    private long _epoch;

    private LinkedDevice(ControllerProcess controller, RigDevice device, string chainPem, string keyPem)
    {
        _controller = controller;
        _device = device;
        _identity = PemIdentity.Load(chainPem, keyPem);
        _roots.ImportFromPem(controller.Endpoints["rootPem"]!.GetValue<string>());
        X509Certificate2Collection chain = [];
        chain.ImportFromPem(chainPem);
        _issuer = chain[1];
    }

    public string Id => _device.Id;

    public IReadOnlyList<Digest> Served
    {
        get
        {
            lock (_lock)
            {
                return [.. _device.Served];
            }
        }
    }

    public long LastSeq
    {
        get
        {
            lock (_lock)
            {
                return _device.LastSeq;
            }
        }
    }

    /// <summary>Takes the broker's word for the controller's: what was under way when a link ended is not sent again. What must never be done.</summary>
    public bool Forgetful { get; set; }

    public static async Task<LinkedDevice> EnrollAsync(ControllerProcess controller, RigDevice device, string token)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using GrpcChannel channel = Channel(controller, "enrollUrl", null);
        Wire.EnrollResponse response = await new Wire.Enrollment.EnrollmentClient(channel).EnrollAsync(new Wire.EnrollRequest
        {
            Token = token, DeviceId = device.Id, CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, device.Id)), Facts = device.Facts, AgentVersion = "test",
        });
        return new LinkedDevice(controller, device, response.CertificateChainPem, key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>It serves the digest, and nothing that it said is unacknowledged.</summary>
    public bool IsSettledOn(Digest digest)
    {
        lock (_lock)
        {
            return _device.Active == digest && _device.Outbox.Count == 0;
        }
    }

    /// <summary>It serves another digest from now on and says so as soon as it can.</summary>
    public void Install(Digest digest)
    {
        lock (_lock)
        {
            _device.Install(digest);
        }
    }

    public void Start() => _life = Task.Run(LiveAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _life;
        _identity.Dispose();
        _stop.Dispose();
    }

    private static GrpcChannel Channel(ControllerProcess controller, string endpoint, PemIdentity? identity) =>
        ScriptedDevice.Channel(controller.Endpoints["rootPem"]!.GetValue<string>(), controller.Endpoints[endpoint]!.GetValue<string>(), identity);

    private async Task LiveAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await LinkAsync();
            }
            catch (Exception ex) when (ex is RpcException or MqttException or IOException or OperationCanceledException)
            {
                // The controller or its broker is gone, or the rig ends.
                await Task.Delay(s_pause, CancellationToken.None);
            }
        }
    }

    private async Task LinkAsync()
    {
        JsonNode endpoints = _controller.Endpoints;
        using GrpcChannel channel = Channel(_controller, "deviceUrl", _identity);
        using AsyncServerStreamingCall<Wire.SyncEvent> stream = new Wire.Fleet.FleetClient(channel).Sync(
            new Wire.SyncRequest { KnownGeneration = (ulong)_device.Generation, KnownEpoch = (ulong)_epoch, OutboxBoot = 1 }, cancellationToken: _stop.Token);
        await stream.ResponseStream.MoveNext(_stop.Token);
        lock (_lock)
        {
            if (Forgetful)
            {
                _device.Forget();
            }
        }
        await using MqttSession session = new(new MqttSessionOptions
        {
            Host = endpoints["mqttHost"]!.GetValue<string>(), Port = endpoints["mqttPort"]!.GetValue<int>(), ClientId = Id,
            Tls = new MqttTlsOptions { TrustedRoots = _roots, ClientCertificate = () => _identity.Leaf, Intermediates = [_issuer] },
            ReconnectDelay = TimeSpan.FromMilliseconds(20), MaximumReconnectDelay = TimeSpan.FromMilliseconds(200),
        });
        await session.StartAsync(_stop.Token);
        long sent = 0;
        Task<bool> next = stream.ResponseStream.MoveNext(_stop.Token);
        Task again = Task.Delay(s_again, _stop.Token);
        while (true)
        {
            lock (_lock)
            {
                if (_device.Outbox.Count == 0)
                {
                    _device.Work();
                }
                sent = Publish(session, sent);
            }
            await Task.WhenAny(next, again);
            if (again.IsCompleted)
            {
                // What the controller has not acknowledged by now may be lost: a broker that was killed forgets what it has taken.
                await again;
                (sent, again) = (0, Task.Delay(s_again, _stop.Token));
            }
            if (next.IsCompleted)
            {
                if (!await next)
                {
                    return;
                }
                Take(stream.ResponseStream.Current);
                next = stream.ResponseStream.MoveNext(_stop.Token);
            }
        }
    }

    private long Publish(MqttSession session, long sent)
    {
        foreach ((long seq, string topic, byte[] payload) in _device.Unacknowledged(after: sent))
        {
            // The controller's acknowledgement counts, not the broker's; a failure shows as its absence.
            _ = session.PublishAsync(new MqttMessage { Topic = topic, Payload = payload }).ContinueWith(
                static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            sent = seq;
        }
        return sent;
    }

    private void Take(Wire.SyncEvent e)
    {
        lock (_lock)
        {
            if (e.EventCase == Wire.SyncEvent.EventOneofCase.Acked)
            {
                _device.Acknowledge((long)e.Acked.ContiguousSeq);
            }
            else if (e.EventCase == Wire.SyncEvent.EventOneofCase.Desired)
            {
                DesiredState state = DesiredMapping.ToCore(e.Desired);
                _epoch = state.Epoch;
                _device.Receive(state.Generation, state.Models.GetValueOrDefault("fashion"));
            }
        }
    }
}
