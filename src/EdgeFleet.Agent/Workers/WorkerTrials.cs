using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Workers;

/// <summary>
/// Trials in child processes of this same program. A line on standard output is a result; a process that ends without one
/// was taken down by the model.
/// </summary>
internal sealed partial class WorkerTrials(StateFolder state, TimeProvider time, ILogger<WorkerTrials> log) : ITrials
{
    /// <summary>What <c>dotnet</c> is asked to run where this process is a test host.</summary>
    internal const string AgentAssembly = "edgefleet-agent.dll";

    public async Task<TrialResult> LoadAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken)
    {
        TrialResult result = await BenchAsync(job, memoryLimitBytes, cancellationToken).ConfigureAwait(false);
        return result switch
        {
            TrialResult.Measured { Evidence.ColdStart.Candidate.Count: 0 } nothing => new TrialResult.WorldFailed($"the model was not loaded: {nothing.Evidence.Reason}"),
            TrialResult.Measured => new TrialResult.Passed(),
            _ => result,
        };
    }

    public Task<TrialResult> BenchAsync(BenchJob job, long memoryLimitBytes, CancellationToken cancellationToken) =>
        RunAsync("bench", job with { MemoryLimitBytes = memoryLimitBytes }, EvidenceJsonContext.Default.BenchJob, memoryLimitBytes, static (_, _) => Task.CompletedTask, cancellationToken);

    public async Task<TrialResult> ShadowAsync(ShadowJob job, Func<ShadowTick, CancellationToken, Task> take, CancellationToken cancellationToken)
    {
        long next = job.FirstTick;
        TrialResult result = await RunAsync(
            "shadow",
            job,
            EvidenceJsonContext.Default.ShadowJob,
            job.MemoryBudgetBytes,
            (tick, token) =>
            {
                next = tick.Tick + 1;
                return take(tick, token);
            },
            cancellationToken).ConfigureAwait(false);
        if (result is TrialResult.ModelFailed { Code: FailureCodes.Crashed or FailureCodes.OutOfMemory } failed)
        {
            // The worker cannot tell of its own death, and the fleet shall not take it for silence.
            await take(
                new ShadowTick
                {
                    Tick = next,
                    StartedAt = time.GetUtcNow(),
                    DurationMs = 0,
                    Pairs = 0,
                    Disagreements = 0,
                    Crashed = failed.Code == FailureCodes.Crashed,
                    OutOfMemory = failed.Code == FailureCodes.OutOfMemory,
                },
                cancellationToken).ConfigureAwait(false);
        }
        return result;
    }

    private async Task<TrialResult> RunAsync<T>(
        string command, T job, JsonTypeInfo<T> type, long memoryLimitBytes, Func<ShadowTick, CancellationToken, Task> take, CancellationToken cancellationToken)
    {
        string jobFile = Path.Join(state.Jobs, string.Create(CultureInfo.InvariantCulture, $"{command}-{Guid.NewGuid():n}.json"));
        await File.WriteAllBytesAsync(jobFile, JsonSerializer.SerializeToUtf8Bytes(job, type), cancellationToken).ConfigureAwait(false);
        try
        {
            await using ChildProcess worker = await ChildProcess.StartAsync(Options(command, jobFile, memoryLimitBytes)).ConfigureAwait(false);
            WorkerLine? last = null;
            await foreach (string text in worker.ReadLinesAsync(cancellationToken).ConfigureAwait(false))
            {
                if (Parse(command, text) is not { } line)
                {
                    continue;
                }
                if (line is { Type: WorkerLine.TickType, Tick: { } tick })
                {
                    await take(tick, cancellationToken).ConfigureAwait(false);
                }
                else if (line.Type is WorkerLine.ResultType or WorkerLine.ErrorType)
                {
                    last = line;
                }
            }
            ChildExit exit = await worker.WaitAsync(cancellationToken).ConfigureAwait(false);
            return Judge(command, last, exit, memoryLimitBytes);
        }
        catch (System.ComponentModel.Win32Exception ex)
        {
            return new TrialResult.WorldFailed($"the {command} worker cannot be started: {ex.Message}");
        }
        finally
        {
            File.Delete(jobFile);
        }
    }

    private static TrialResult Judge(string command, WorkerLine? last, ChildExit exit, long memoryLimitBytes) => last switch
    {
        { Type: WorkerLine.ResultType, Result: { } evidence } => new TrialResult.Measured(evidence),
        { Type: WorkerLine.ErrorType } error => error.Code switch
        {
            WorkerErrors.ModelNotLoaded => new TrialResult.ModelFailed(FailureCodes.DoesNotLoad, error.Message ?? "", Invariant: false),
            WorkerErrors.ModelFailed => new TrialResult.ModelFailed(FailureCodes.InferenceFailed, error.Message ?? "", Invariant: true),
            WorkerErrors.ContractChanged => new TrialResult.ModelFailed(FailureCodes.OtherContract, error.Message ?? "", Invariant: false),
            WorkerErrors.NonFinite => new TrialResult.ModelFailed(FailureCodes.NonFinite, error.Message ?? "", Invariant: true),
            WorkerErrors.Crashed or WorkerErrors.Hung => new TrialResult.ModelFailed(FailureCodes.Crashed, error.Message ?? "", Invariant: true),
            WorkerErrors.BudgetExceeded => new TrialResult.ModelFailed(FailureCodes.OutOfMemory, error.Message ?? "", Invariant: true),
            _ => new TrialResult.WorldFailed($"the {command} worker: {error.Code}: {error.Message}"),
        },
        _ when exit.MemoryLimitExceeded => new TrialResult.ModelFailed(
            FailureCodes.OutOfMemory, $"the {command} worker took {exit.PeakResidentBytes} bytes; {memoryLimitBytes} are allowed", Invariant: true),
        _ when exit.Signalled => new TrialResult.ModelFailed(
            FailureCodes.Crashed, $"the {command} worker was ended by signal {exit.ExitCode - 128}: {exit.LastLog}", Invariant: true),
        _ => new TrialResult.WorldFailed($"the {command} worker ended with code {exit.ExitCode} and without a result: {exit.LastLog}"),
    };

    private WorkerLine? Parse(string command, string text)
    {
        try
        {
            return WorkerLine.Parse(text);
        }
        catch (FormatException ex)
        {
            // Native code below the worker may print what it likes.
            LogUnreadable(command, ex.Message);
            return null;
        }
    }

    private ChildProcessOptions Options(string command, string jobFile, long memoryLimitBytes)
    {
        return OwnProgram.Find(AgentAssembly).With(command, "--job", jobFile) with
        {
            MemoryLimitBytes = memoryLimitBytes,
            Log = line => LogWorker(command, line),
            Time = time,
        };
    }

    [LoggerMessage(EventId = 3501, Level = LogLevel.Debug, Message = "{Command} worker: {Line}")]
    private partial void LogWorker(string command, string line);

    [LoggerMessage(EventId = 3502, Level = LogLevel.Debug, Message = "{Command} worker wrote what is no result: {Reason}")]
    private partial void LogUnreadable(string command, string reason);
}
