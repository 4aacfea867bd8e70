using EdgeFleet.Grpc.Tests.Security;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>A probe server in another language and a channel of ours to it.</summary>
public class ForeignServer(PeerLanguage language, bool tls) : IAsyncLifetime, IAsyncDisposable
{
    private TestCertificates? _certificates;
    private PeerProcess? _process;
    private string[] _transport = [];
    private Uri? _address;

    public GrpcChannel Channel { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _certificates = new TestCertificates("our authority");
        _transport = tls ? ["--tls", _certificates.Folder] : [];
        string port = await StartAsync("0");
        _address = new Uri($"{(tls ? "https" : "http")}://127.0.0.1:{port}");
        Channel = Open(_ => { });
    }

    /// <summary>After <see cref="Kill"/>, on the same port.</summary>
    public async Task StartAgainAsync()
    {
        _process!.Dispose();
        await StartAsync($"{_address!.Port}");
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

    private async Task<string> StartAsync(string port)
    {
        _process = PeerProcess.Start(language, "probe_server", ["--port", port, .. _transport]);
        return (await _process.ReadLineAsync())["listening ".Length..];
    }
}
