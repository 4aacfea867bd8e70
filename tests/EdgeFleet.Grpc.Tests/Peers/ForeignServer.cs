using EdgeFleet.Grpc.Tests.Security;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>A probe server in another language and a channel of ours to it.</summary>
public class ForeignServer(PeerLanguage language, bool tls) : IAsyncLifetime, IAsyncDisposable
{
    private TestCertificates? _certificates;
    private PeerProcess? _process;
    private Uri? _address;

    public GrpcChannel Channel { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _certificates = new TestCertificates("our authority");
        string[] transport = tls ? ["--tls", _certificates.Folder] : [];
        _process = PeerProcess.Start(language, "probe_server", transport);
        string line = await _process.ReadLineAsync();
        _address = new Uri($"{(tls ? "https" : "http")}://127.0.0.1:{line["listening ".Length..]}");
        Channel = Open(_ => { });
    }

    public GrpcChannel Open(Action<GrpcChannelOptions> configure)
    {
        GrpcChannelOptions options = new() { HttpHandler = MutualTls.Handler(_certificates!, _certificates!.Client), DisposeHttpClient = true };
        configure(options);
        return GrpcChannel.ForAddress(_address!, options);
    }

    public async Task<ForeignServer> StartAnotherAsync()
    {
        ForeignServer another = new(language, tls);
        await another.InitializeAsync();
        return another;
    }

    public void Kill() => _process!.Kill();

    public async Task DisposeAsync() => await ((IAsyncDisposable)this).DisposeAsync();

    ValueTask IAsyncDisposable.DisposeAsync()
    {
        Channel?.Dispose();
        _process?.Dispose();
        _certificates?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
