using System.Net.Sockets;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Agent.Serving.Sources;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Files;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EdgeFleet.Agent.Serving;

/// <summary>
/// The runner: Kestrel on the applications' addresses and on the control socket, and the models behind it. It needs neither
/// the supervisor nor a controller.
/// </summary>
internal sealed partial class Runner : IAsyncDisposable
{
    /// <summary>So long an answer that is under way may take when the runner is told to end.</summary>
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(5);

    /// <summary>How long an HTTP/2 connection may be silent before the server asks whether the other end is there.</summary>
    private static readonly TimeSpan s_pingDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(20);

    private readonly ServeOptions _options;
    private readonly List<ListenOptions> _rest = [];
    private readonly List<ListenOptions> _grpc = [];
    private readonly ModelTable _models;
    private readonly ControlApi _control;
    private readonly KestrelServer _server;
    private readonly RunnerApplication _application;
    private readonly ILogger<Runner> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private Task _watching = Task.CompletedTask;

    public Runner(ServeOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _logger = loggers.CreateLogger<Runner>();
        IModelSource source = options.State is { } state ? new SlotSource(state) : new FolderSource(options.ModelsRoot!);
        if (options.ServeFolder is { } folder)
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        }
        DateTimeOffset startedAt = time.GetUtcNow();
        CrashLedger ledger = new(options.ServeFolder is null ? null : Path.Join(options.ServeFolder, "serve.json"), startedAt, LinuxFileStore.Instance, loggers.CreateLogger<CrashLedger>());
        SessionLoader loader = new(new InferenceOptions { IntraOpThreads = options.Threads }, options.Concurrency, time);
        _models = new ModelTable(source, loader, ledger, options, time, loggers.CreateLogger<ModelTable>());
        _control = new ControlApi(_models, startedAt, time);
        ModelTurn turn = new(options, loggers.CreateLogger<ModelTurn>());
        GrpcApplication grpc = new(_models, turn, options, time, loggers);
        _application = new RunnerApplication(_models, turn, _control, grpc, options, loggers.CreateLogger<RunnerApplication>());
        _server = new KestrelServer(
            Options.Create(ServerOptions()),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers),
            loggers);
    }

    /// <summary>Where applications reach the runner, with the ports that were chosen.</summary>
    public IReadOnlyList<string> Listening => _control.Listening;

    /// <summary>Where gRPC is spoken, as gRPC's clients name it.</summary>
    public IReadOnlyList<string> GrpcListening => _control.GrpcListening;

    public ModelTable Models => _models;

    public string? ControlSocket => ControlSocketOf(_options);

    /// <summary>Listens, then loads; health and readiness answer from the beginning.</summary>
    /// <exception cref="IOException">An address is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] sockets = [.. _options.Listen.Concat(_options.GrpcListen).Select(address => address.Socket).Append(ControlSocket).OfType<string>()];
        foreach (string socket in sockets)
        {
            RemoveStale(socket);
        }
        await _server.StartAsync(_application, cancellationToken);
        foreach (string socket in sockets)
        {
            // Any program of the device's group may ask for inferences; only our own user may steer the runner.
            File.SetUnixFileMode(socket, socket == ControlSocket
                ? UnixFileMode.UserRead | UnixFileMode.UserWrite
                : UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        }
        _control.Listening = [.. Bound(_rest).Select(listen => listen.SocketPath is { } path ? $"unix:{path}" : $"http://{listen.IPEndPoint}")];
        _control.GrpcListening = [.. Bound(_grpc).Select(listen => listen.SocketPath is { } path ? $"unix:{path}" : $"{listen.IPEndPoint}")];
        await _models.ReconcileAsync(model: null, retry: true, cancellationToken);
        _watching = _models.WatchAsync(_stopping.Token);
    }

    /// <summary>Says where it serves; a file that takes no more (a full disk) is no reason to stop.</summary>
    public void Announce(TextWriter output)
    {
        string line = $"serving on {string.Join(" ", Listening)}{(GrpcListening.Count > 0 ? $", gRPC on {string.Join(" ", GrpcListening)}" : "")}";
        try
        {
            output.WriteLine(line);
        }
        catch (IOException ex)
        {
            LogNotAnnounced(line, ex.Message);
        }
    }

    /// <summary>Runs until the watch over the slots ends: never, unless something broke that the runner cannot mend.</summary>
    public Task WatchAsync() => _watching;

    /// <summary>Ends in order: answers what is under way, and takes back what was charged to models that did nothing wrong.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using CancellationTokenSource drain = new(s_drain);
        await _server.StopAsync(drain.Token);
        try
        {
            await _watching;
        }
        catch (OperationCanceledException)
        {
            // This is how the watch ends.
        }
        _models.EndOrderly();
        _server.Dispose();
        _models.Dispose();
        _stopping.Dispose();
    }

    private static string? ControlSocketOf(ServeOptions options) => options.ServeFolder is { } folder ? Path.Join(folder, "control.sock") : null;

    /// <summary>
    /// Each address speaks one protocol. Without TLS nothing is negotiated, so Kestrel takes HTTP/1.1 wherever both are allowed.
    /// </summary>
    private KestrelServerOptions ServerOptions()
    {
        KestrelServerOptions server = new() { AddServerHeader = false };
        server.Limits.MaxRequestBodySize = _options.MaximumRequestBytes;
        server.Limits.Http2.KeepAlivePingDelay = s_pingDelay;
        server.Limits.Http2.KeepAlivePingTimeout = s_pingTimeout;
        Listen(server, _options.Listen, HttpProtocols.Http1, _rest);
        Listen(server, _options.GrpcListen, HttpProtocols.Http2, _grpc);
        if (ControlSocketOf(_options) is { } control)
        {
            ControlConnection marker = new();
            server.ListenUnixSocket(ListenAddress.UnixSocket(control).Socket!, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    connection.Features.Set<IControlConnection>(marker);
                    return next(connection);
                });
            });
        }
        return server;
    }

    private static void Listen(KestrelServerOptions server, IReadOnlyList<ListenAddress> addresses, HttpProtocols protocols, List<ListenOptions> bound)
    {
        foreach (ListenAddress address in addresses)
        {
            void Configure(ListenOptions listen)
            {
                listen.Protocols = protocols;
                bound.Add(listen);
            }
            if (address.Socket is not null)
            {
                server.ListenUnixSocket(address.Socket, Configure);
            }
            else
            {
                server.Listen(address.EndPoint!, Configure);
            }
        }
    }

    /// <summary>Sockets first. Once bound, an address knows the port that was chosen.</summary>
    private static IEnumerable<ListenOptions> Bound(IEnumerable<ListenOptions> addresses) => addresses.OrderBy(listen => listen.SocketPath is null);

    /// <summary>A socket that a killed runner left behind is removed; one that still answers belongs to another runner.</summary>
    private static void RemoveStale(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(path))
        {
            return;
        }
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }
        throw new IOException($"socket '{path}' is in use by another runner");
    }

    [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "'{Line}' could not be written to standard output: {Reason}")]
    private partial void LogNotAnnounced(string line, string reason);

    private sealed class ControlConnection : IControlConnection;
}
