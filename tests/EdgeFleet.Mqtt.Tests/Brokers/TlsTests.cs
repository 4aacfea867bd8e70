using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

public sealed class TlsTests : IAsyncLifetime
{
    private const string Acl = """
        pattern readwrite d/%u/#
        user reader
        topic read d/#
        """;

    private readonly TestCertificateAuthority _authority = new();
    private MosquittoBroker _broker = null!;

    public async Task InitializeAsync() => _broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Tls = _authority, Acl = Acl });

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        _authority.Dispose();
    }

    private MqttSessionOptions Options(string name, X509Certificate2? certificate) => Peers.Options(_broker, name) with
    {
        ConnectTimeout = TimeSpan.FromSeconds(5),
        Tls = new MqttTlsOptions { TrustedRoots = _authority.Roots, ClientCertificate = () => certificate },
    };

    [Fact]
    public async Task Mutual_tls_carries_messages_between_own_and_foreign_clients()
    {
        using X509Certificate2 own = _authority.Client("device-1");
        await using MosquittoSubscriber peer = await MosquittoSubscriber.StartAsync(_broker, "d/#", "%t %p", _authority.ClientArguments("reader", _broker.Folder));
        await using MqttSession session = await Peers.ConnectAsync(Options("device-1", own));
        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("d/device-1/in");

        Assert.Equal(MqttReasonCode.Success, (await session.PublishAsync(Peers.Text("d/device-1/out", "hello"))).ReasonCode);
        Assert.Equal("d/device-1/out hello", await peer.NextAsync());
        await MosquittoPublisher.PublishAsync(_broker, "d/device-1/in", "back", _authority.ClientArguments("device-1", _broker.Folder));
        Assert.Equal("back", (await messages.NextAsync()).Text());
    }

    [Fact]
    public async Task Ten_megabytes_pass_both_ways_over_tls()
    {
        using X509Certificate2 own = _authority.Client("device-1");
        await using MqttSession session = await Peers.ConnectAsync(Options("device-1", own));
        ChannelReader<MqttReceivedMessage> messages = await session.ListenAsync("d/device-1/#");
        byte[] payload = new byte[100_000];
        new Random(3).NextBytes(payload);

        Task<MqttAck>[] acks = [.. Enumerable.Range(0, 100).Select(i => session.PublishAsync(new MqttMessage { Topic = $"d/device-1/{i}", Payload = payload }))];
        for (int i = 0; i < 100; i++)
        {
            MqttReceivedMessage message = await messages.NextAsync();
            Assert.Equal($"d/device-1/{i}", message.Topic);
            Assert.True(message.Payload.Span.SequenceEqual(payload));
        }
        Assert.All(await Task.WhenAll(acks), ack => Assert.True(ack.IsSuccess));
    }

    [Fact]
    public async Task A_topic_that_the_acl_denies_is_reason_135()
    {
        using X509Certificate2 own = _authority.Client("device-1");
        await using MqttSession session = await Peers.ConnectAsync(Options("device-1", own));

        MqttAck denied = await session.PublishAsync(Peers.Text("d/device-2/out", "not mine"));
        MqttAck allowed = await session.PublishAsync(Peers.Text("d/device-1/out", "mine"));

        Assert.Equal(MqttReasonCode.NotAuthorized, denied.ReasonCode);
        Assert.Equal(135, (int)denied.ReasonCode);
        Assert.False(denied.IsSuccess);
        Assert.True(allowed.IsSuccess);
    }

    [Fact]
    public async Task A_broker_of_another_root_is_refused()
    {
        using TestCertificateAuthority other = new("other root");
        using X509Certificate2 own = _authority.Client("device-1");
        await using MqttSession session = new(Options("device-1", own) with
        {
            Tls = new MqttTlsOptions { TrustedRoots = other.Roots, ClientCertificate = () => own },
        });

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains("TLS handshake", refused.Message);
        Assert.Matches("errors in the certificate chain: (UntrustedRoot|PartialChain)", refused.Message);
    }

    [Fact]
    public async Task A_broker_with_another_name_is_refused()
    {
        using X509Certificate2 own = _authority.Client("device-1");
        await using MqttSession session = new(Options("device-1", own) with
        {
            Tls = new MqttTlsOptions { TrustedRoots = _authority.Roots, ClientCertificate = () => own, ServerName = "controller.example" },
        });

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains("RemoteCertificateNameMismatch", refused.Message);
    }

    [Fact]
    public async Task A_broker_is_judged_at_the_time_that_the_owner_knows()
    {
        using X509Certificate2 own = _authority.Client("device-1");
        DateTimeOffset known = DateTimeOffset.UnixEpoch;
        await using MqttSession session = new(Options("device-1", own) with
        {
            Tls = new MqttTlsOptions { TrustedRoots = _authority.Roots, ClientCertificate = () => own, VerificationTime = () => known },
        });
        Assert.Contains("NotTimeValid", (await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync())).Message);

        known = DateTimeOffset.UtcNow;
        await session.ConnectAsync();
        Assert.True(session.IsConnected);
    }

    [Fact]
    public async Task Without_a_client_certificate_the_connect_fails_and_says_what_it_may_be()
    {
        await using MqttSession session = new(Options("device-1", null));

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains($"127.0.0.1:{_broker.Port}", refused.Message);
        Assert.Contains("misses or refuses the client certificate", refused.Message);
    }

    [Fact]
    public async Task A_client_certificate_of_another_root_fails_in_bounded_time()
    {
        using TestCertificateAuthority other = new("other root");
        using X509Certificate2 foreign = other.Client("device-1");
        await using MqttSession session = new(Options("device-1", foreign));

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains($"127.0.0.1:{_broker.Port}", refused.Message);
    }

    [Fact]
    public async Task Plain_tcp_to_a_tls_port_fails_in_bounded_time()
    {
        await using MqttSession session = new(Peers.Options(_broker, "plain") with { ConnectTimeout = TimeSpan.FromSeconds(5) });

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains("a TLS listener does so with a client that does not speak TLS", refused.Message);
    }

    [Fact]
    public async Task Tls_to_a_plain_port_fails_in_bounded_time()
    {
        await using MosquittoBroker plain = await MosquittoBroker.StartAsync();
        await using MqttSession session = new(Options("device-1", null) with { Port = plain.Port });

        MqttException refused = await Assert.ThrowsAsync<MqttException>(() => session.ConnectAsync());

        Assert.Contains("TLS handshake", refused.Message);
    }

    [Fact]
    public async Task A_renewed_certificate_is_taken_up_at_the_next_connect()
    {
        using X509Certificate2 first = _authority.Client("device-1");
        using X509Certificate2 second = _authority.Client("device-2");
        X509Certificate2 current = first;
        await using LinkCutter link = await LinkCutter.StartAsync(_broker.Host, _broker.Port);
        Channel<MqttConnected> connects = Channel.CreateUnbounded<MqttConnected>();
        await using MqttSession session = await Peers.ConnectAsync(Options("renewing", first) with
        {
            Port = link.Port,
            Tls = new MqttTlsOptions { TrustedRoots = _authority.Roots, ClientCertificate = () => Volatile.Read(ref current) },
            OnConnected = async (connected, token) => await connects.Writer.WriteAsync(connected, token),
        });
        await connects.Reader.NextAsync();
        Assert.Equal(MqttReasonCode.NotAuthorized, (await session.PublishAsync(Peers.Text("d/device-2/out", "x"))).ReasonCode);

        Volatile.Write(ref current, second);
        link.CutAll();
        await connects.Reader.NextAsync();

        Assert.True((await session.PublishAsync(Peers.Text("d/device-2/out", "x"))).IsSuccess);
    }
}
