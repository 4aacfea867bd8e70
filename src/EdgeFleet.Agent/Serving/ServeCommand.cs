using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using EdgeFleet.Inference;
using EdgeFleet.Agent.Running;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving;

/// <summary><c>edgefleet-agent serve</c>: the runner as a process of its own.</summary>
public static class ServeCommand
{
    private const int Done = 0;
    private const int WrongUsage = 2;
    private const int WorldFailed = 3;

    public static Command Create()
    {
        Option<string?> state = new("--state") { Description = "The device's state folder; its slots say what is served.", HelpName = "DIR" };
        Option<string?> modelsRoot = new("--models-root") { Description = "Serve each NAME.onnx of a plain folder instead: no agent, no controller.", HelpName = "DIR" };
        Option<string[]> listen = new("--listen")
        {
            Description = "Where applications ask: unix:PATH or http://127.0.0.1:PORT (0 takes a free port). May be given several times. Default: unix:STATE/serve/infer.sock, or http://127.0.0.1:8000 with --models-root.",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => [],
        };
        Option<string[]> grpcListen = new("--grpc-listen")
        {
            Description = "Where applications ask by gRPC: unix:PATH or http://127.0.0.1:PORT, other addresses than REST's, since a connection without TLS cannot say which it speaks. May be given several times; none turns it off. Default: unix:STATE/serve/grpc.sock, or http://127.0.0.1:8001 with --models-root; nowhere if --listen is given.",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => [],
        };
        Option<int?> threads = CommandOptions.Whole("--threads", "Threads of one inference. Default: 1.", 1, 1024);
        Option<int?> concurrency = CommandOptions.Whole("--concurrency", "Inferences of one model at once. Default: as many as the cores carry.", 1, 1024);
        Option<int?> queue = CommandOptions.Whole("--queue", "Requests of one model that may wait; beyond, 503 (gRPC: UNAVAILABLE). Default: 64.", 0, 1_000_000);
        Option<int?> batch = CommandOptions.Whole(
            "--max-batch", $"Rows of one request, where a model takes any number of them; beyond, 400 (gRPC: INVALID_ARGUMENT). Memory that one inference took is kept. Default: {ServeOptions.DefaultMaximumBatch}.", 1, 1_000_000);
        Command command = new("serve", "Serve the active models to applications on this device (Open Inference Protocol v2, REST and gRPC).")
        {
            state, modelsRoot, listen, grpcListen, threads, concurrency, queue, batch,
        };
        command.Validators.Add(result => Validate(result, state, modelsRoot));
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => new ServeOptions
            {
                State = StateFolder(parsed.GetValue(state)),
                ModelsRoot = FullPath(parsed.GetValue(modelsRoot)),
                Listen = Addresses(parsed.GetValue(listen)!, FullPath(parsed.GetValue(state))),
                GrpcListen = GrpcAddresses(parsed.GetValue(grpcListen)!, FullPath(parsed.GetValue(state)), restGiven: parsed.GetValue(listen)!.Length > 0),
                Threads = parsed.GetValue(threads) ?? 1,
                Concurrency = parsed.GetValue(concurrency) ?? ServeOptions.DefaultConcurrency(parsed.GetValue(threads) ?? 1),
                Queue = parsed.GetValue(queue) ?? 64,
                MaximumBatch = parsed.GetValue(batch) ?? ServeOptions.DefaultMaximumBatch,
            },
            cancellationToken));
        return command;
    }

    private static void Validate(CommandResult result, Option<string?> state, Option<string?> modelsRoot)
    {
        if (result.Names(state) == result.Names(modelsRoot))
        {
            result.AddError("Give either --state DIR or --models-root DIR.");
        }
    }

    private static async Task<int> RunAsync(Func<ServeOptions> read, CancellationToken cancellationToken)
    {
        // Inferences hold their threads; health and control must find one at once, not after the pool's slow growth.
        ThreadPool.GetMinThreads(out int workers, out int completions);
        ThreadPool.SetMinThreads(workers + 4, completions);
        using ILoggerFactory loggers = StandardErrorLog.Create(LogLevel.Information);
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => { context.Cancel = true; told.TrySetResult(); });
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; told.TrySetResult(); });
        try
        {
            ServeOptions options = read();
            await using Runner runner = new(options, TimeProvider.System, loggers);
            await runner.StartAsync(cancellationToken);
            runner.Announce(Console.Out);
            await await Task.WhenAny(told.Task, runner.WatchAsync()).WaitAsync(cancellationToken);
            return Done;
        }
        catch (FormatException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return WrongUsage;
        }
        catch (Exception ex) when (ex is IOException or InferenceException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(ex.Message);
            return WorldFailed;
        }
        catch (OperationCanceledException)
        {
            return Done;
        }
    }

    private static IReadOnlyList<ListenAddress> Addresses(string[] given, string? state)
    {
        if (given.Length > 0)
        {
            return [.. given.Select(text => ListenAddress.Parse(text))];
        }
        return [state is null ? ListenAddress.Parse("http://127.0.0.1:8000") : ListenAddress.UnixSocket(Path.Join(state, "serve", "infer.sock"))];
    }

    /// <summary>Somebody who chose where REST is may run several runners on a machine: a default port for gRPC would then be taken.</summary>
    private static IReadOnlyList<ListenAddress> GrpcAddresses(string[] given, string? state, bool restGiven)
    {
        const string Option = "--grpc-listen";
        if (given is ["none"] || (given.Length == 0 && restGiven))
        {
            return [];
        }
        if (given.Length > 0)
        {
            return [.. given.Select(text => ListenAddress.Parse(text, Option))];
        }
        return [state is null ? ListenAddress.Parse("http://127.0.0.1:8001", Option) : ListenAddress.UnixSocket(Path.Join(state, "serve", "grpc.sock"), Option)];
    }

    /// <summary>The agent makes the folder when the device is enrolled; one made here would hide a wrong path behind 404s.</summary>
    private static string? StateFolder(string? path) => path is null || Directory.Exists(path)
        ? FullPath(path)
        : throw new FormatException($"--state '{path}' does not exist; edgefleet-agent enroll makes a device's state folder");

    private static string? FullPath(string? path) => path is null ? null : Path.GetFullPath(path);
}
