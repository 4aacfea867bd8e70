using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>The coordinator's end of a model host. One request at a time; an answer that does not come in time ends the host.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private const int Sigkill = 128 + 9;
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(60);
    /// <summary>An accelerator may build an engine for its own kind when a model is loaded first: minutes, measured elsewhere.</summary>
    private static readonly TimeSpan s_load = TimeSpan.FromMinutes(15);
    /// <summary>A slow model is not a hanging one, and a hot device makes it so much slower than it was when it was loaded.</summary>
    private const double Slowed = 3;

    private readonly ChildProcess _process;
    private readonly IAsyncEnumerator<string> _lines;
    private readonly HostOptions _options;
    private readonly long _kernelKills;
    /// <summary>What one inference took when the model was loaded.</summary>
    private double _inferenceSeconds;

    private HostProcess(ChildProcess process, HostOptions options)
    {
        (_process, _options) = (process, options);
        _lines = process.ReadLinesAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
        _kernelKills = KernelKills();
    }

    /// <summary>From the start of the process until it was ready for its first request.</summary>
    public TimeSpan StartTime { get; private set; }

    public int Id => _process.Id;

    /// <exception cref="BenchException">It does not start or is not ready in time.</exception>
    public static async Task<HostProcess> StartAsync(HostOptions options, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        ChildProcess child;
        try
        {
            child = await ChildProcess.StartAsync(options.Program.With(ModelHost.Command) with
            {
                KeepInput = true,
                MemoryLimitBytes = options.MemoryLimitBytes,
                // Looking is work too; with no limit there is nothing to look for.
                MemoryCheckInterval = options.MemoryLimitBytes is null ? TimeSpan.FromDays(1) : TimeSpan.FromMilliseconds(250),
                Environment = EnvironmentOf(options),
            }).ConfigureAwait(false);
        }
        catch (System.ComponentModel.Win32Exception ex)
        {
            throw new BenchException(BenchException.WorldFailed, $"a model host ('{options.Program.FileName}') cannot be started: {ex.Message}", ex);
        }
        HostProcess host = new(child, options);
        try
        {
            await host.ReceiveAsync(s_start, "to start", cancellationToken).ConfigureAwait(false);
            host.StartTime = Stopwatch.GetElapsedTime(start);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<LoadReply> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        LoadReply loaded = (await AskAsync(new HostRequest { Load = request }, s_load, "to load the model", cancellationToken).ConfigureAwait(false)).Load!;
        _inferenceSeconds = loaded.SecondMs / 1000;
        return loaded;
    }

    public async Task<CellReply> MeasureAsync(CellRequest request, CancellationToken cancellationToken) =>
        (await AskAsync(new HostRequest { Cell = request }, Patience(request), "to run a cell", cancellationToken).ConfigureAwait(false)).Cell!;

    public async Task<OutputReply> ReadOutputsAsync(OutputRequest request, CancellationToken cancellationToken) =>
        (await AskAsync(new HostRequest { Outputs = request }, Patience(seconds: 0, request.Inputs), "to answer the inputs", cancellationToken).ConfigureAwait(false)).Outputs!;

    public async Task<PhaseReply> EndPhaseAsync(string phase, CancellationToken cancellationToken) =>
        (await AskAsync(new HostRequest { Phase = new PhaseRequest(phase) }, _options.Patience, "to read its memory", cancellationToken).ConfigureAwait(false)).Phase!;

    public Task UnloadAsync(CancellationToken cancellationToken) => AskAsync(new HostRequest { Unload = true }, _options.Patience, "to free the model", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync().ConfigureAwait(false);
    }

    private static Dictionary<string, string> EnvironmentOf(HostOptions options)
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal)
        {
            // No code is compiled anew in the background, where it takes the processor from the cell that is measured.
            ["DOTNET_TieredCompilation"] = "0",
            ["DOTNET_gcConcurrent"] = "0",
            // Nobody attaches a debugger, and a host that is killed leaves its pipes in /tmp.
            ["DOTNET_EnableDiagnostics"] = "0",
        };
        if (options.Marker is { } line)
        {
            environment[ModelHost.MarkerVariable] = line.ToString(CultureInfo.InvariantCulture);
        }
        return environment;
    }

    private TimeSpan Patience(CellRequest cell) =>
        Patience((double)(cell.DurationTicks + (2 * cell.LeadTicks)) / Stopwatch.Frequency, cell.Discard + ((double)cell.MinimumSamples * cell.Batch));

    private TimeSpan Patience(double seconds, double inferences) => _options.Patience + TimeSpan.FromSeconds(seconds + (Slowed * inferences * _inferenceSeconds));

    private async Task<HostReply> AskAsync(HostRequest request, TimeSpan patience, string what, CancellationToken cancellationToken)
    {
        try
        {
            await _process.WriteLineAsync(JsonSerializer.Serialize(request, HostJsonContext.Default.HostRequest), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It is gone; how it went is what the read below finds.
            return await ReceiveAsync(patience, what, cancellationToken).ConfigureAwait(false);
        }
        HostReply reply = await ReceiveAsync(patience, what, cancellationToken).ConfigureAwait(false);
        return reply.ErrorCode is { } code ? throw Failure(code, reply.Error ?? code) : reply;
    }

    private async Task<HostReply> ReceiveAsync(TimeSpan patience, string what, CancellationToken cancellationToken)
    {
        bool more;
        try
        {
            more = await _lines.MoveNextAsync().AsTask().WaitAsync(patience, _options.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _process.Kill();
            throw Failure(BenchException.Hung, string.Create(CultureInfo.InvariantCulture, $"{_options.Name} did not come back within {patience.TotalSeconds:0} s when it was asked {what}"));
        }
        return more
            ? JsonSerializer.Deserialize(_lines.Current, HostJsonContext.Default.HostReply)!
            : throw await DeathAsync(what, cancellationToken).ConfigureAwait(false);
    }

    private async Task<BenchException> DeathAsync(string what, CancellationToken cancellationToken)
    {
        ChildExit exit = await _process.WaitAsync(cancellationToken).ConfigureAwait(false);
        string log = exit.LastLog.Length > 0 ? $": {exit.LastLog}" : "";
        return exit switch
        {
            { MemoryLimitExceeded: true } => Failure(BenchException.OutOfMemory, $"{_options.Name} took {exit.PeakResidentBytes} bytes when it was asked {what}; {_options.MemoryLimitBytes} are allowed"),
            { ExitCode: Sigkill } when KernelKills() > _kernelKills => Failure(BenchException.OutOfMemory, $"{_options.Name} was ended by the kernel for memory when it was asked {what}"),
            { Signalled: true } => Failure(BenchException.Crashed, $"{_options.Name} was ended by signal {exit.ExitCode - 128} when it was asked {what}{log}"),
            _ => Failure(BenchException.WorldFailed, $"the host of {_options.Name} ended with code {exit.ExitCode} when it was asked {what}{log}"),
        };
    }

    private BenchException Failure(string code, string message) => new(code, message) { OfBaseline = _options.Model == MeasuredModel.Baseline };

    /// <summary>How often the kernel has ended a process for memory since it started (Documentation/filesystems/proc.rst, vmstat).</summary>
    private static long KernelKills()
    {
        const string name = "oom_kill ";
        foreach (string line in (KernelFiles.Host.Read("/proc/vmstat").Text ?? "").Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && long.TryParse(line.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long kills))
            {
                return kills;
            }
        }
        return 0;
    }
}

/// <summary>Which of the two.</summary>
public enum MeasuredModel
{
    Baseline,
    Candidate,
}

/// <summary>How a model's host is started and what is expected of it.</summary>
internal sealed record HostOptions(OwnProgram Program, MeasuredModel Model, string Path, long? MemoryLimitBytes, TimeSpan Patience, TimeProvider Time)
{
    /// <summary>Descriptor of a shared GPIO line that falls at the edges of windows; null where nobody watches.</summary>
    public int? Marker { get; init; }

    /// <summary>For messages.</summary>
    public string Name => $"{(Model == MeasuredModel.Baseline ? "baseline" : "candidate")} '{Path}'";
}
