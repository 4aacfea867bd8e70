using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Support;

/// <summary>
/// A device that does what a test says, over the real gRPC stack with a certificate of its own. Reports go straight to the
/// ingest, as the broker would hand them over.
/// </summary>
internal sealed class ScriptedDevice : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private TestController _controller;
    private readonly ECDsa _key;
    private readonly List<IDisposable> _open = [];
    private AsyncServerStreamingCall<Wire.SyncEvent>? _stream;
    private MqttSession? _session;
    private Wire.Welcome? _lastWelcome;
    private long _seq;

    /// <summary>One that has its certificate already.</summary>
    public ScriptedDevice(TestController controller, string id, ECDsa key, string chainPem)
    {
        _controller = controller;
        Id = id;
        _key = key;
        ChainPem = chainPem;
    }

    public string Id { get; }
    public string ChainPem { get; }
    public long Boot { get; set; } = 1;
    public int Threads { get; init; } = 1;
    public Digest? Active { get; set; }
    public Digest? Previous { get; set; }
    public long Generation { get; set; }
    public long Epoch { get; set; }
    public Wire.Runner Runner { get; set; }
    /// <summary>Up to where it has let go of its reports.</summary>
    public long Released { get; set; }
    public Wire.Welcome? Welcome { get; private set; }
    public Wire.Acked? Acked { get; private set; }
    public Wire.DesiredState? Desired { get; private set; }

    public static Wire.DeviceFacts Facts(int threads = 1) => new()
    {
        Board = "x64", MemoryMib = 1024, PowerMode = "default", Runtime = "onnxruntime-1.29.0", Provider = "cpu", Threads = (uint)threads,
    };

    public static async Task<ScriptedDevice> EnrollAsync(TestController controller, string id, string token, int threads = 1)
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Wire.EnrollResponse response = await AskAsync(controller, id, token, key, threads);
        Assert.Equal(Wire.EnrollResponse.Types.State.Enrolled, response.State);
        return new ScriptedDevice(controller, id, key, response.CertificateChainPem) { Threads = threads };
    }

    public static async Task<Wire.EnrollResponse> AskAsync(TestController controller, string id, string token, ECDsa key, int threads = 1)
    {
        using GrpcChannel channel = Channel(controller, controller.Host.Endpoints.EnrollUrl, null);
        return await new Wire.Enrollment.EnrollmentClient(channel).EnrollAsync(new Wire.EnrollRequest
        {
            Token = token,
            DeviceId = id,
            CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, id)),
            Facts = Facts(threads),
            AgentVersion = "test",
        });
    }

    /// <summary>A session of its own at the controller's broker; reports go over it from now on.</summary>
    public async Task<MqttSession> ConnectToBrokerAsync()
    {
        PemIdentity identity = PemIdentity.Load(ChainPem, _key.ExportPkcs8PrivateKeyPem());
        _open.Add(identity);
        X509Certificate2Collection roots = [];
        // As the agent does: the fleet's own roots, or those that the welcome named.
        roots.ImportFromPem(_lastWelcome?.MqttRootsPem is { Length: > 0 } named ? named : _controller.Host.Endpoints.RootPem);
        X509Certificate2Collection chain = [];
        chain.ImportFromPem(ChainPem);
        MqttSession session = new(new MqttSessionOptions
        {
            Host = _controller.Host.Endpoints.MqttHost,
            Port = _controller.Host.Endpoints.MqttPort,
            ClientId = Id,
            Tls = new MqttTlsOptions { TrustedRoots = roots, ClientCertificate = () => identity.Leaf, Intermediates = [chain[1]] },
            ReconnectDelay = TimeSpan.FromMilliseconds(50),
            MaximumReconnectDelay = TimeSpan.FromMilliseconds(500),
        });
        await session.ConnectAsync();
        _session = session;
        return session;
    }

    /// <summary>A channel to the device plane with this device's certificate.</summary>
    public GrpcChannel Channel()
    {
        PemIdentity identity = PemIdentity.Load(ChainPem, _key.ExportPkcs8PrivateKeyPem());
        GrpcChannel channel = Channel(_controller, _controller.Host.Endpoints.DeviceUrl, identity);
        _open.Add(channel);
        _open.Add(identity);
        return channel;
    }

    public static GrpcChannel Channel(TestController controller, string url, PemIdentity? identity) => Channel(controller.Host.Endpoints.RootPem, url, identity, controller.Time);

    public static GrpcChannel Channel(string rootPem, string url, PemIdentity? identity, TimeProvider? time = null)
    {
        CertificateTrust trust = CertificateTrust.FromPem(rootPem, time ?? TimeProvider.System);
        SocketsHttpHandler handler = new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = trust.ServerCallback,
                ClientCertificateContext = identity?.Context,
            },
        };
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    /// <summary>The controller that it knew has ended; another runs in its place.</summary>
    public Task ConnectAsync(TestController controller)
    {
        _controller = controller;
        return ConnectAsync();
    }

    /// <summary>Opens the stream and reads the welcome.</summary>
    public async Task ConnectAsync()
    {
        Disconnect();
        _stream = new Wire.Fleet.FleetClient(Channel()).Sync(new Wire.SyncRequest
        {
            KnownGeneration = (ulong)Generation, KnownEpoch = (ulong)Epoch, OutboxBoot = (ulong)Boot, ReleasedSeq = (ulong)Released, AgentVersion = "test",
        });
        await ReadUntilAsync(() => Welcome is not null);
    }

    public void Disconnect()
    {
        _stream?.Dispose();
        _stream = null;
        Welcome = null;
    }

    /// <summary>Reads the stream until something is so.</summary>
    public async Task ReadUntilAsync(Func<bool> so)
    {
        using CancellationTokenSource patience = new(s_patience);
        while (!so())
        {
            bool more = await _stream!.ResponseStream.MoveNext(patience.Token);
            Assert.True(more, "the controller ended the stream");
            Take(_stream.ResponseStream.Current);
        }
    }

    public Task ReadDesiredAsync(string model, Func<Wire.DesiredDeployment, bool> so) =>
        ReadUntilAsync(() => Desired is not null && Desired.Models.TryGetValue(model, out Wire.DesiredDeployment? desired) && so(desired));

    private void Take(Wire.SyncEvent e)
    {
        switch (e.EventCase)
        {
            case Wire.SyncEvent.EventOneofCase.Welcome:
                Welcome = _lastWelcome = e.Welcome;
                break;
            case Wire.SyncEvent.EventOneofCase.Acked:
                Acked = e.Acked;
                break;
            case Wire.SyncEvent.EventOneofCase.Desired:
                Assert.True((long)e.Desired.Generation > Generation, $"generation {e.Desired.Generation} after {Generation}");
                Desired = e.Desired;
                Assert.True((long)e.Desired.Epoch >= Epoch, $"epoch {e.Desired.Epoch} after {Epoch}");
                (Generation, Epoch) = ((long)e.Desired.Generation, (long)e.Desired.Epoch);
                break;
        }
    }

    public Wire.ReportHeader Header() => new() { Boot = (ulong)Boot, Seq = (ulong)++_seq };

    public Task SendAsync(string topic, IMessage message) => _session is { } session
        ? session.PublishAsync(new MqttMessage { Topic = topic, Payload = message.ToByteArray(), ContentType = Topics.ContentType(message.GetType()) })
        : _controller.Ingest.TakeAsync(topic, message.ToByteArray(), CancellationToken.None);

    public Task SendAsync(TestController controller, string topic, IMessage message)
    {
        _controller = controller;
        return SendAsync(topic, message);
    }

    public Topics OwnTopics => new("default", Id);

    /// <summary>Says what it serves.</summary>
    public Task ReportStateAsync(string model = "fashion")
    {
        Wire.Reported reported = new()
        {
            Header = Header(), Generation = (ulong)Generation, Facts = Facts(Threads), HardwareClass = DesiredMapping.ToCore(Facts(Threads)).ClassId, AgentVersion = "test", Runner = Runner,
        };
        if (Active is { } active)
        {
            reported.Models[model] = new Wire.ModelSlots { Active = active.ToString(), Previous = Previous?.ToString() ?? "", Golden = active.ToString() };
        }
        return SendAsync(OwnTopics.Reported, reported);
    }

    public Task ReportPhaseAsync(Wire.DesiredDeployment desired, DeploymentPhase phase, string model = "fashion", string code = "", string detail = "", bool invariant = false) =>
        SendAsync(OwnTopics.Deployment($"{model}-{(desired.RolloutId.Length > 0 ? desired.RolloutId : "assignment")}"), new Wire.DeploymentReport
        {
            Header = Header(), Model = model, Digest = desired.Digest, RolloutId = desired.RolloutId, Attempt = desired.Attempt, Generation = (ulong)Generation,
            Phase = PhaseMapping.ToWire(phase), Code = code, Detail = detail, Invariant = invariant, HardwareClass = DesiredMapping.ToCore(Facts(Threads)).ClassId,
        });

    public Task ReportTickAsync(Wire.DesiredDeployment desired, ShadowTick tick, string model = "fashion") =>
        SendAsync(OwnTopics.Shadow(Digest.Parse(desired.Digest)), new Wire.ShadowReport
        {
            Header = Header(), Model = model, Digest = desired.Digest, RolloutId = desired.RolloutId, Attempt = desired.Attempt,
            HardwareClass = DesiredMapping.ToCore(Facts(Threads)).ClassId,
            Tick = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(tick, EvidenceJsonContext.Default.ShadowTick)),
        });

    /// <summary>Makes the digest the one that it serves and says so.</summary>
    public async Task ActivateAsync(Wire.DesiredDeployment desired, string model = "fashion")
    {
        Digest digest = Digest.Parse(desired.Digest);
        if (Active != digest)
        {
            (Previous, Active) = (Active, digest);
        }
        await ReportStateAsync(model);
        await ReportPhaseAsync(desired, DeploymentPhase.Committed, model);
    }

    public async ValueTask DisposeAsync()
    {
        Disconnect();
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }
        _open.ForEach(open => open.Dispose());
        _key.Dispose();
    }
}
