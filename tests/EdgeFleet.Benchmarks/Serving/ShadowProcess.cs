using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>The real shadow worker beside a runner, with the sampling that a rollout has by default.</summary>
internal sealed class ShadowProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private long _pairs;
    private long _taxed;

    private ShadowProcess(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>Inputs on which both models ran, in the ticks that are over.</summary>
    public long Pairs => Interlocked.Read(ref _pairs);

    /// <summary>Ticks in which it rested because it took itself for too expensive.</summary>
    public long TaxedTicks => Interlocked.Read(ref _taxed);

    /// <param name="cpus">Where it may run, as taskset writes it; null for anywhere.</param>
    public static async Task<ShadowProcess> StartAsync(string state, string model, string baseline, string candidate, TimeSpan tick, string? cpus, CancellationToken cancellationToken)
    {
        string file = Path.Join(state, "shadow-job.json");
        ShadowJob job = new()
        {
            Model = model,
            BaselinePath = baseline,
            CandidatePath = candidate,
            ControlSocket = Path.Join(state, "serve", "control.sock"),
            TickMs = (int)tick.TotalMilliseconds,
            Seed = 1,
        };
        await File.WriteAllBytesAsync(file, JsonSerializer.SerializeToUtf8Bytes(job, EvidenceJsonContext.Default.ShadowJob), cancellationToken);
        string[] command = [.. cpus is null ? (string[])[] : ["taskset", "-c", cpus], "dotnet", ServerProcess.Agent, "shadow", "--job", file];
        Process process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (WorkerLine.Parse(line) is { Type: WorkerLine.ProgressType, Stage: "shadowing" })
            {
                return new ShadowProcess(process);
            }
        }
        throw new InvalidOperationException("the shadow worker ended before it compared; its words are above");
    }

    /// <summary>Stops it where it is, or lets it go on: a shadow that is there and takes no time.</summary>
    public void Stop(bool stopped)
    {
        using Process kill = Process.Start("kill", [stopped ? "-STOP" : "-CONT", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (WorkerLine.Parse(line) is { Type: WorkerLine.TickType, Tick: { } tick })
            {
                Interlocked.Add(ref _pairs, tick.Pairs);
                Interlocked.Add(ref _taxed, tick.Taxed ? 1 : 0);
            }
        }
    }
}
