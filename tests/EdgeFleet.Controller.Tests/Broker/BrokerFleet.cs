using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Controller.Tests.Broker;

/// <summary>A fleet's authority and an embedded broker in a temporary folder, with sessions for its devices.</summary>
internal sealed class BrokerFleet : IAsyncDisposable
{
    public const string Tenant = "acme";
    public const string ControllerName = "edgefleet.controller";

    private readonly TemporaryFolder _folder = new();
    private readonly List<IAsyncDisposable> _owned = [];

    public BrokerFleet()
    {
        AuthorityFiles files = CertificateAuthority.Create("test fleet", TimeProvider.System);
        Authority = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, TimeProvider.System);
        File.WriteAllText(Path("root.pem"), files.RootPem);
        Options = new EmbeddedBrokerOptions
        {
            Folder = Path("broker"),
            Tenant = Tenant,
            CaFile = Path("root.pem"),
            WriteIdentity = WriteServerIdentity,
            Port = 0,
            BindAddress = "127.0.0.1",
            RestartDelay = TimeSpan.FromMilliseconds(10),
            MaximumRestartDelay = TimeSpan.FromMilliseconds(100),
            ProbeEvery = Timeout.InfiniteTimeSpan,
        };
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    public CertificateAuthority Authority { get; }

    public EmbeddedBrokerOptions Options { get; set; }

    public string Path(string name) => System.IO.Path.Join(_folder.Path, name);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    private (string, string) WriteServerIdentity()
    {
        ServerCertificate server = Authority.IssueServer("edgefleet-broker", ["localhost", "127.0.0.1"]);
        File.WriteAllText(Path("server.pem"), server.ChainPem);
        File.WriteAllText(Path("server.key"), server.KeyPem);
        return (Path("server.pem"), Path("server.key"));
    }

    public EmbeddedBroker NewBroker()
    {
        EmbeddedBroker broker = new(Options, Time, NullLogger<EmbeddedBroker>.Instance);
        _owned.Add(broker);
        return broker;
    }

    public async Task<EmbeddedBroker> StartAsync()
    {
        EmbeddedBroker broker = NewBroker();
        await broker.StartAsync();
        return broker;
    }

    public PemIdentity Identity(string name)
    {
        if (name.Contains('.', StringComparison.Ordinal))
        {
            ServerCertificate client = Authority.IssueClient(name);
            return PemIdentity.Load(client.ChainPem, client.KeyPem);
        }
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        IssuedCertificate issued = Authority.IssueDevice(name, CertificateRequests.Create(key, name));
        return PemIdentity.Load(issued.ChainPem, key.ExportPkcs8PrivateKeyPem());
    }

    public MqttSessionOptions SessionOptions(EmbeddedBroker broker, string name) => new()
    {
        Host = "127.0.0.1",
        Port = broker.Endpoint.Port,
        ClientId = name,
        ReconnectDelay = TimeSpan.FromMilliseconds(20),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(100),
        Tls = Tls(Identity(name).Leaf),
    };

    public MqttTlsOptions Tls(X509Certificate2? certificate) => new()
    {
        TrustedRoots = [Authority.Root],
        ClientCertificate = () => certificate,
        Intermediates = [Authority.Issuer],
    };

    public async Task<MqttSession> ConnectAsync(EmbeddedBroker broker, string name) => await ConnectAsync(SessionOptions(broker, name));

    public async Task<MqttSession> ConnectAsync(MqttSessionOptions options)
    {
        MqttSession session = new(options);
        _owned.Add(session);
        await session.ConnectAsync();
        return session;
    }

    public static MqttMessage Text(string topic, string text = "x", bool retain = false) =>
        new() { Topic = topic, Payload = System.Text.Encoding.UTF8.GetBytes(text), Retain = retain };

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }
        Authority.Dispose();
        _folder.Dispose();
    }
}
