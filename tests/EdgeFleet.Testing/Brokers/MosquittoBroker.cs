using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace EdgeFleet.Testing.Brokers;

/// <summary>How a test wants its broker.</summary>
public sealed record MosquittoBrokerOptions
{
    /// <summary>Lines of mosquitto.conf in addition to the listener.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    /// <summary>Not null: a TLS listener that wants client certificates and takes their common name as the user.</summary>
    public TestCertificateAuthority? Tls { get; init; }

    /// <summary>Keep sessions and retained messages over a clean stop.</summary>
    public bool Persistent { get; init; }

    /// <summary>The content of an acl_file; null: everybody may do everything.</summary>
    public string? Acl { get; init; }

    /// <summary>The whole of mosquitto.conf, from a folder of the broker's own and its port, in place of all other options.</summary>
    public Func<string, int, string>? Configuration { get; init; }

    /// <summary>Larger than a queue that a test can fill, so that nothing is dropped silently.</summary>
    public int MaximumQueuedMessages { get; init; } = 100_000;
}

/// <summary>
/// A real mosquitto on a free port and a folder of its own, to stop, kill, freeze and start again. Disposal ends it and removes
/// the folder.
/// </summary>
public sealed class MosquittoBroker : IAsyncDisposable
{
    private const int SigHup = 1;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly MosquittoBrokerOptions _options;
    private readonly StringBuilder _log = new();
    private TaskCompletionSource _running = new();
    private Process? _process;

    private MosquittoBroker(MosquittoBrokerOptions options)
    {
        _options = options;
        Folder = Directory.CreateTempSubdirectory("edgefleet-mosquitto-").FullName;
    }

    public string Host => "127.0.0.1";

    public int Port { get; private set; }

    public string Folder { get; }

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("the broker is not running");

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Everything that the broker has printed so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static async Task<MosquittoBroker> StartAsync(MosquittoBrokerOptions? options = null)
    {
        MosquittoBroker broker = new(options ?? new MosquittoBrokerOptions());
        try
        {
            // Somebody else may take the port between our look and mosquitto's.
            for (int attempt = 1; ; attempt++)
            {
                broker.Port = LoopbackPort.FindFree();
                try
                {
                    await broker.StartAgainAsync();
                    return broker;
                }
                catch (IOException) when (attempt < 5 && broker.Log.Contains("Address already in use", StringComparison.Ordinal))
                {
                    continue;
                }
            }
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts on the same port and folder after a stop or a kill, and waits until it answers.</summary>
    public async Task StartAgainAsync()
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("the broker is running");
        }
        _process?.Dispose();
        _running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        string config = Path.Combine(Folder, "mosquitto.conf");
        await File.WriteAllTextAsync(config, _options.Configuration?.Invoke(Folder, Port) ?? Config());
        ProcessStartInfo start = new(MosquittoTools.Find("mosquitto"), ["-c", config])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await WaitUntilAnsweringAsync(_process);
    }

    /// <summary>SIGTERM: the broker says goodbye to its clients and saves what is persistent.</summary>
    public async Task StopAsync()
    {
        Signal(SigTerm);
        await _process!.WaitForExitAsync();
    }

    /// <summary>SIGKILL: the broker forgets everything since its last save.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: connections stay open and nothing answers.</summary>
    public void Freeze() => Signal(SigStop);

    public void Thaw() => Signal(SigCont);

    /// <summary>Until the broker has printed that, since it was first started.</summary>
    public async Task WaitForLogAsync(string text)
    {
        long began = Stopwatch.GetTimestamp();
        while (!Log.Contains(text, StringComparison.Ordinal))
        {
            if (!IsRunning || Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
            {
                throw new TimeoutException($"mosquitto has not said '{text}':\n{Log}");
            }
            await Task.Delay(20);
        }
    }

    /// <summary>Writes another acl_file and has the broker read it.</summary>
    public async Task ReloadAclAsync(string acl)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "acl"), acl);
        Signal(SigHup);
    }

    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }
        _process?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private string Config()
    {
        StringBuilder config = new();
        config.AppendLine($"listener {Port} {Host}");
        config.AppendLine("set_tcp_nodelay true");
        config.AppendLine("log_dest stderr");
        config.AppendLine($"max_queued_messages {_options.MaximumQueuedMessages}");
        if (Environment.IsPrivilegedProcess)
        {
            // Otherwise it becomes the user mosquitto, who may not enter our folder.
            config.AppendLine("user root");
        }
        if (_options.Tls is { } authority)
        {
            config.AppendLine($"cafile {authority.WriteRoot(Folder)}");
            (string certificate, string key) = authority.WriteServer(Folder);
            config.AppendLine($"certfile {certificate}");
            config.AppendLine($"keyfile {key}");
            config.AppendLine("require_certificate true");
            config.AppendLine("use_identity_as_username true");
        }
        else
        {
            config.AppendLine("allow_anonymous true");
        }
        if (_options.Acl is { } acl)
        {
            string path = Path.Combine(Folder, "acl");
            if (!File.Exists(path))
            {
                File.WriteAllText(path, acl);
            }
            config.AppendLine($"acl_file {path}");
        }
        if (_options.Persistent)
        {
            config.AppendLine("persistence true");
            config.AppendLine($"persistence_location {Folder}/");
        }
        foreach (string line in _options.Lines)
        {
            config.AppendLine(line);
        }
        return config.ToString();
    }

    private async Task WaitUntilAnsweringAsync(Process process)
    {
        long began = Stopwatch.GetTimestamp();
        // Its own word first: on a port that a neighbour took a moment earlier, the answer would be the neighbour's.
        await Task.WhenAny(_running.Task, process.WaitForExitAsync()).WaitAsync(TimeSpan.FromSeconds(60));
        while (!process.HasExited && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60))
        {
            try
            {
                using TcpClient probe = new();
                await probe.ConnectAsync(Host, Port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(5);
            }
        }
        if (process.HasExited)
        {
            await process.WaitForExitAsync(); // also waits for its last lines
        }
        throw new IOException($"mosquitto does not answer on port {Port}:\n{Log}");
    }

    private void Signal(int signal)
    {
        if (kill(ProcessId, signal) != 0)
        {
            throw new IOException($"signal {signal} to mosquitto {ProcessId}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private void Append(string? line)
    {
        if (line is not null && line.EndsWith(" running", StringComparison.Ordinal))
        {
            _running.TrySetResult();
        }
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);
}
