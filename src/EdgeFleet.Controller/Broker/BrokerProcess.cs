using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Controller.Broker;

/// <summary>One run of mosquitto, from its start until it answers, and until its end.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const int LogLinesKept = 40;

    private readonly Queue<string> _lastLog = new();
    private readonly TaskCompletionSource _running = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeProvider _time;
    private TaskCompletionSource _reloading = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ChildProcess? _child;
    private Task<ChildExit>? _exit;

    private BrokerProcess(TimeProvider time) => _time = time;

    public int Id => _child!.Id;

    public Task<ChildExit> Exit => _exit!;

    public string LastLog
    {
        get
        {
            lock (_lastLog)
            {
                return string.Join('\n', _lastLog);
            }
        }
    }

    public static string Find()
    {
        // A service's path often lacks the folders of system programs.
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/usr/local/sbin"];
        return folders.Select(folder => Path.Combine(folder, "mosquitto")).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("mosquitto is not installed: run 'apt-get install mosquitto', or name a broker that is there already");
    }

    /// <summary>
    /// The kernel asks it to end when the thread that started it ends, and so when this process does, however that ends.
    /// The wrapper becomes mosquitto: its process id is the broker's.
    /// </summary>
    public static (string File, string[] Arguments) Command(string mosquitto, string settingsFile) =>
        ("setpriv", ["--pdeathsig", "TERM", mosquitto, "-c", settingsFile]);

    public static async Task<BrokerProcess> StartAsync(string mosquitto, string settingsFile, Action<string> log, TimeProvider time)
    {
        BrokerProcess process = new(time);
        (string file, string[] arguments) = Command(mosquitto, settingsFile);
        try
        {
            process._child = await ChildProcess.StartAsync(new ChildProcessOptions
            {
                FileName = file,
                Arguments = arguments,
                MemoryCheckInterval = TimeSpan.FromMinutes(1),
                Time = time,
                Log = line =>
                {
                    process.Note(line);
                    log(line);
                },
            });
        }
        catch (Win32Exception exception)
        {
            throw new IOException($"setpriv (package util-linux) cannot be started: {exception.Message}", exception);
        }
        process._exit = process._child.WaitAsync(CancellationToken.None);
        return process;
    }

    /// <exception cref="IOException">It ended instead, or does not answer in time; its last words are in the message.</exception>
    public async Task WaitUntilAnsweringAsync(IPAddress address, int port, TimeSpan patience, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(patience, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // Its own word first: on a port that is taken, the answer would be somebody else's.
            await Task.WhenAny(_running.Task, Exit).WaitAsync(either.Token);
            while (!Exit.IsCompleted)
            {
                using TcpClient probe = new();
                try
                {
                    await probe.ConnectAsync(address, port, either.Token);
                    return;
                }
                catch (SocketException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(10), _time, either.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"mosquitto does not answer on port {port} within {patience}: {LastLog}");
        }
        throw new IOException($"mosquitto ended with {(await Exit).ExitCode} before it answered on port {port}: {LastLog}");
    }

    /// <summary>Has it read its access list and certificate again; completes when it has begun to, which it does before any further packet.</summary>
    public async Task<bool> ReloadAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        TaskCompletionSource reloading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _reloading, reloading);
        ProcessSignals.TrySend(Id, ProcessSignal.HangUp);
        try
        {
            Task first = await Task.WhenAny(reloading.Task, Exit).WaitAsync(patience, _time, cancellationToken);
            return first == reloading.Task;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Asks it to save and end, and kills it where it does not.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!Exit.IsCompleted)
        {
            ProcessSignals.TrySend(Id, ProcessSignal.Terminate);
            try
            {
                await Exit.WaitAsync(patience, _time);
            }
            catch (TimeoutException)
            {
                _child!.Kill();
            }
        }
        await Exit;
    }

    /// <summary>Ends it without asking: it does not listen any more.</summary>
    public void Kill() => _child!.Kill();

    public async ValueTask DisposeAsync() => await _child!.DisposeAsync();

    private void Note(string line)
    {
        lock (_lastLog)
        {
            if (_lastLog.Count == LogLinesKept)
            {
                _lastLog.Dequeue();
            }
            _lastLog.Enqueue(line);
        }
        if (line.EndsWith(" running", StringComparison.Ordinal))
        {
            _running.TrySetResult();
        }
        else if (line.Contains("Reloading config", StringComparison.Ordinal))
        {
            Volatile.Read(ref _reloading).TrySetResult();
        }
    }
}
