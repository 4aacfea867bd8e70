using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Processes;

/// <summary>
/// A worker: its lines on standard output are its results, its standard error is its log, its memory is watched, and it
/// does not outlive this process (the worker calls <see cref="ProcessTraits.DieWithParent()"/> first).
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int MaximumLineLength = 4 << 20;
    private const int LogLinesKept = 20;

    private readonly Process _process;
    private readonly ChildProcessOptions _options;
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _disposing = new();
    private readonly Queue<string> _lastLog = new();
    private readonly Task _log;
    private readonly Task _memory;
    private long _peak;
    private bool _memoryLimitExceeded;
    private bool _disposed;

    private ChildProcess(Process process, ChildProcessOptions options)
    {
        _process = process;
        _options = options;
        _log = ReadLogAsync();
        _memory = WatchMemoryAsync(_ended.Token);
    }

    public int Id => _process.Id;

    /// <exception cref="System.ComponentModel.Win32Exception">The file cannot be started.</exception>
    public static async Task<ChildProcess> StartAsync(ChildProcessOptions options)
    {
        ProcessStartInfo info = new(options.FileName, options.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in options.Environment)
        {
            info.Environment[name] = value;
        }
        info.Environment[ProcessTraits.ParentVariable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        Process process = await ProcessStarter.StartAsync(info).ConfigureAwait(false);
        if (!options.KeepInput)
        {
            process.StandardInput.Close();
        }
        return new ChildProcess(process, options);
    }

    /// <summary>Writes a line to the worker's standard input.</summary>
    /// <exception cref="IOException">The worker has closed it.</exception>
    public async Task WriteLineAsync(string line, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteAsync($"{line}\n".AsMemory(), cancellationToken).ConfigureAwait(false);
        await _process.StandardInput.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The worker's result lines until it closes its output. To be read once.</summary>
    /// <exception cref="InvalidDataException">A line is too long to be one of ours.</exception>
    public async IAsyncEnumerable<string> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        StreamReader reader = _process.StandardOutput;
        char[] buffer = new char[4096];
        System.Text.StringBuilder line = new();
        int read;
        while ((read = await reader.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            int start = 0;
            int newLine;
            while ((newLine = Array.IndexOf(buffer, '\n', start, read - start)) >= 0)
            {
                line.Append(buffer, start, newLine - start);
                yield return line.ToString();
                line.Clear();
                start = newLine + 1;
            }
            line.Append(buffer, start, read - start);
            if (line.Length > MaximumLineLength)
            {
                throw new InvalidDataException($"worker {Id} wrote a line of more than {MaximumLineLength} characters");
            }
        }
        if (line.Length > 0)
        {
            yield return line.ToString();
        }
    }

    /// <summary>Waits until it has ended.</summary>
    public async Task<ChildExit> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        await _ended.CancelAsync().ConfigureAwait(false);
        await _memory.ConfigureAwait(false);
        if (_options.OutputGrace is { } grace)
        {
            await Task.WhenAny(_log, Task.Delay(grace, _options.Time, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
        else
        {
            await _log.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        lock (_lastLog)
        {
            return new ChildExit(_process.ExitCode, _memoryLimitExceeded, _peak > 0 ? _peak : null, string.Join('\n', _lastLog));
        }
    }

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(_options.Family);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }
        _disposed = true;
        Kill();
        await WaitAsync(CancellationToken.None).ConfigureAwait(false);
        await _disposing.CancelAsync().ConfigureAwait(false);
        await _log.ConfigureAwait(false);
        _disposing.Dispose();
        _ended.Dispose();
        _process.Dispose();
    }

    private async Task ReadLogAsync()
    {
        while (await ReadLogLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_lastLog)
            {
                if (_lastLog.Count == LogLinesKept)
                {
                    _lastLog.Dequeue();
                }
                _lastLog.Enqueue(line);
            }
            _options.Log?.Invoke(line);
        }
    }

    private async Task<string?> ReadLogLineAsync()
    {
        try
        {
            return await _process.StandardError.ReadLineAsync(_disposing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Somebody else holds the other end.
            return null;
        }
    }

    private async Task WatchMemoryAsync(CancellationToken ended)
    {
        using PeriodicTimer timer = new(_options.MemoryCheckInterval, _options.Time);
        try
        {
            do
            {
                if (ProcStatus.Read(KernelFiles.Host, Id) is not { } status)
                {
                    return;
                }
                _peak = Math.Max(_peak, status.PeakResidentBytes ?? 0);
                // The peak, not the moment: a worker that frees in time has still been too big for the device.
                if (_options.MemoryLimitBytes is { } limit && _peak > limit)
                {
                    _memoryLimitExceeded = true;
                    Kill();
                    return;
                }
            }
            while (await timer.WaitForNextTickAsync(ended).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The worker has ended.
            return;
        }
    }
}
