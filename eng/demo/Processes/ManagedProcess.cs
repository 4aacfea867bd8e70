using System.Diagnostics;
using System.Globalization;

namespace EdgeFleet.Demo.Processes;

/// <summary>One process of the demo, started again when it dies, as systemd would on a device. Its output goes to a log file.</summary>
internal sealed class ManagedProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_restartDelay = TimeSpan.FromMilliseconds(300);
    private readonly string _file;
    private readonly IReadOnlyList<string> _arguments;
    private readonly string _log;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private Process? _process;
    private Task _loop = Task.CompletedTask;
    private TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ManagedProcess(string name, string file, IReadOnlyList<string> arguments, string log, IReadOnlyDictionary<string, string>? environment = null)
    {
        Name = name;
        _file = file;
        _arguments = arguments;
        _log = log;
        _environment = environment ?? new Dictionary<string, string>();
    }

    public string Name { get; }
    public string Log => _log;

    /// <summary>How often it had to be started again.</summary>
    public int Restarts { get; private set; }

    public int Pid
    {
        get { lock (_gate) { return _process?.Id ?? 0; } }
    }

    public void Start() => _loop = SuperviseAsync();

    /// <summary>SIGKILL to this process alone; the supervisor starts it again.</summary>
    public int KillNow()
    {
        lock (_gate)
        {
            if (_process is not { HasExited: false } process)
            {
                return 0;
            }
            process.Kill();
            return process.Id;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Process? process;
        lock (_gate) { process = _process; }
        if (process is { HasExited: false })
        {
            using Process terminate = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await terminate.WaitForExitAsync();
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }
        await _loop;
        _stopping.Dispose();
    }

    /// <summary>Leaves the process running on its own: nothing restarts it any more.</summary>
    public void Release() => _stopping.Cancel();

    private async Task SuperviseAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Process process = Launch();
            lock (_gate)
            {
                _process = process;
            }
            _started.TrySetResult();
            try
            {
                await process.WaitForExitAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await File.AppendAllTextAsync(_log, $"--- {Name} (pid {process.Id}) ended with code {process.ExitCode}; starting it again\n");
            Restarts++;
            try
            {
                await Task.Delay(s_restartDelay, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Through a shell that replaces itself: the log is a plain file descriptor, so output survives the demo's own end.</summary>
    private Process Launch()
    {
        ProcessStartInfo start = new("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec \"$@\" >>\"$EDGEFLEET_DEMO_LOG\" 2>&1 </dev/null");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(_file);
        foreach (string argument in _arguments)
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["EDGEFLEET_DEMO_LOG"] = _log;
        foreach ((string key, string value) in _environment)
        {
            start.Environment[key] = value;
        }
        return Process.Start(start) ?? throw new InvalidOperationException($"{Name}: the process did not start");
    }
}
