using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>The protocol of a device and nothing behind it: what the controller sees of one, at the least cost on this side.</summary>
internal sealed class WireDevice : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly PemIdentity _identity;
    private readonly X509Certificate2Collection _roots = [];
    private readonly X509Certificate2Collection _chain = [];
    private GrpcChannel? _channel;
    private AsyncServerStreamingCall<Wire.SyncEvent>? _stream;
    private Task _reading = Task.CompletedTask;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _seq;
    private long _acked;

    private WireDevice(string id, string chainPem, string keyPem, string rootPem)
    {
        Id = id;
        Topics = new Topics("default", id);
        _identity = PemIdentity.Load(chainPem, keyPem);
        _roots.ImportFromPem(rootPem);
        _chain.ImportFromPem(chainPem);
    }

    public string Id { get; }
    public Topics Topics { get; }
    public MqttSession Session { get; private set; } = null!;
    public long Acked => Interlocked.Read(ref _acked);
    public long Sent => Interlocked.Read(ref _seq);

    /// <summary>Called for each desired state that arrives.</summary>
    public Func<Wire.DesiredState, Task>? OnDesired { get; set; }

    public static GrpcChannel Channel(string url, string rootPem, PemIdentity? identity)
    {
        CertificateTrust trust = CertificateTrust.FromPem(rootPem, TimeProvider.System);
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = trust.ServerCallback, ClientCertificateContext = identity?.Context },
            },
            DisposeHttpClient = true,
        });
    }

    public static async Task<WireDevice> EnrollAsync(GrpcChannel channel, string rootPem, string id, string token, CancellationToken cancellationToken)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Wire.EnrollResponse response = await new Wire.Enrollment.EnrollmentClient(channel).EnrollAsync(
            new Wire.EnrollRequest
            {
                Token = token, DeviceId = id, CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, id)), AgentVersion = "bench",
                Facts = new Wire.DeviceFacts { Board = "x64", MemoryMib = 1024, PowerMode = "default", Runtime = "none", Provider = "none", Threads = 1 },
            },
            cancellationToken: cancellationToken);
        return new WireDevice(id, response.CertificateChainPem, key.ExportPkcs8PrivateKeyPem(), rootPem);
    }

    /// <summary>Opens the stream and the session.</summary>
    public async Task ConnectAsync(ControllerProcess controller, CancellationToken cancellationToken)
    {
        _channel = Channel(controller.DeviceUrl, controller.RootPem, _identity);
        _stream = new Wire.Fleet.FleetClient(_channel).Sync(new Wire.SyncRequest { OutboxBoot = 1 }, cancellationToken: cancellationToken);
        await _stream.ResponseStream.MoveNext(cancellationToken);
        _reading = ReadAsync(cancellationToken);
        Session = new MqttSession(new MqttSessionOptions
        {
            Host = controller.MqttHost, Port = controller.MqttPort, ClientId = Id, KeepAlive = TimeSpan.FromSeconds(60),
            Tls = new MqttTlsOptions { TrustedRoots = _roots, ClientCertificate = () => _identity.Leaf, Intermediates = [_chain[1]] },
        });
        await Session.ConnectAsync(cancellationToken);
    }

    public Task PublishAsync(string topic, Func<Wire.ReportHeader, IMessage> make, bool retain = false)
    {
        IMessage message = make(new Wire.ReportHeader { Boot = 1, Seq = (ulong)Interlocked.Increment(ref _seq) });
        return Session.PublishAsync(new MqttMessage { Topic = topic, Payload = message.ToByteArray(), Retain = retain, ContentType = Topics.ContentType(message.GetType()) });
    }

    /// <summary>Until the controller has acknowledged everything up to a number.</summary>
    /// <exception cref="TimeoutException">For a minute it acknowledged nothing: a report was lost, or it takes in nothing any more.</exception>
    public async Task WaitForAckAsync(long seq, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more = Volatile.Read(ref _more).Task;
            if (Acked >= seq)
            {
                return;
            }
            try
            {
                await more.WaitAsync(s_patience, cancellationToken);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException(
                    $"device '{Id}': nothing acknowledged for {s_patience.TotalSeconds} s, {Acked} of {Sent} reports; broker connected: {Session.IsConnected}, {Session.Counters}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stream?.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Session is not null)
        {
            await Session.DisposeAsync();
        }
        _channel?.Dispose();
        _identity.Dispose();
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        while (await _stream!.ResponseStream.MoveNext(cancellationToken))
        {
            Wire.SyncEvent e = _stream.ResponseStream.Current;
            if (e.EventCase == Wire.SyncEvent.EventOneofCase.Acked)
            {
                Interlocked.Exchange(ref _acked, (long)e.Acked.ContiguousSeq);
                Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            }
            else if (e.EventCase == Wire.SyncEvent.EventOneofCase.Desired && OnDesired is { } handle)
            {
                await handle(e.Desired);
            }
        }
    }
}
