using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// The models in file mode, as the supervisor sees them: the application is the runner. To reconcile is to run the hook where
/// the slots name another digest than it last ended well for; how the model does is what the application says of itself.
/// </summary>
internal sealed partial class ApplicationRunner : IModelRunner, IDisposable
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(10);
    private const int MostDoublings = 6;

    private readonly StateFolder _state;
    private readonly SlotTable _slots;
    private readonly HealthBoard _health;
    private readonly IHooks _hooks;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DateTimeOffset _startedAt;
    private readonly Dictionary<string, Application> _applications = new(StringComparer.Ordinal);

    public ApplicationRunner(StateFolder state, SlotTable slots, IHooks hooks, HealthBoard health, TimeProvider time, ILogger<ApplicationRunner> log)
    {
        (_state, _slots, _hooks, _health, _time, _log) = (state, slots, hooks, health, time, log);
        _startedAt = time.GetUtcNow();
        foreach (string model in FileModeEntry.Models(state.Files, state.FileMode))
        {
            FileModeEntry? entry = FileModeEntry.Read(state, model, out string reason);
            if (entry is null)
            {
                LogBadEntry(model, reason);
            }
            _applications.Add(model, new Application(model, entry, reason) { Now = new Standing(ReadRecord(model), time.GetTimestamp()) });
        }
    }

    public IReadOnlyCollection<string> Models => _applications.Keys;

    public bool Serves(string model) => _applications.ContainsKey(model);

    public async Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken)
    {
        Application application = _applications[model];
        await application.One.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await TellAsync(application, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            application.One.Release();
        }
        return Report();
    }

    public Task<RunnerReport> StatusAsync(CancellationToken cancellationToken) => Task.FromResult(Report());

    /// <summary>What an application is told after each line: where its model lies now.</summary>
    public HealthAnswer Answer(string model) => new()
    {
        Ok = true,
        Digest = _slots.Read(model)?.Active.ToString(),
        Path = _slots.Read(model) is { } slots ? _state.ArtifactFiles(slots.Active) : null,
    };

    public void Dispose()
    {
        foreach (Application application in _applications.Values)
        {
            application.One.Dispose();
        }
    }

    private async Task TellAsync(Application application, CancellationToken cancellationToken)
    {
        Digest? wanted = _slots.Read(application.Model)?.Active;
        HookRecord? told = application.Now.Told;
        if (wanted is { } known && told is { Done: true } && told.Digest == known)
        {
            return;
        }
        if (wanted is not { } digest)
        {
            await WithdrawAsync(application, cancellationToken).ConfigureAwait(false);
            return;
        }
        bool again = told?.Digest == digest;
        HookRecord record = new()
        {
            Model = application.Model,
            Digest = digest,
            Before = again ? told!.Before : told?.Digest,
            OutputsBefore = again ? told!.OutputsBefore : told is not null && _health.Find(application.Model, told.Digest) is { Outputs: > 0 },
            At = _time.GetUtcNow(),
        };
        // On disk before the hook runs: a start after a cut in between runs it again, whatever it had done by then.
        WriteRecord(record);
        _health.Forget(application.Model, digest);
        int failures = application.Now.Failures;
        application.Now = new Standing(record, _time.GetTimestamp()) { Failures = failures };
        HookResult result = await RunAsync(application, record.Before, digest, cancellationToken).ConfigureAwait(false);
        if (result is HookResult.Done)
        {
            record = record with { Done = true, At = _time.GetUtcNow() };
            WriteRecord(record);
            application.Now = new Standing(record, _time.GetTimestamp());
            LogTold(application.Model, digest.Short);
            return;
        }
        (string code, string error) = result switch
        {
            HookResult.Failed failed => (FailureCodes.HookFailed, failed.Detail),
            HookResult.TimedOut late => (FailureCodes.HookTimedOut, late.Detail),
            HookResult.NotStarted missing => (FailureCodes.HookNotStarted, missing.Detail),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        application.Now = new Standing(record, _time.GetTimestamp())
        {
            Code = code,
            Error = error,
            Failures = failures + 1,
            AskAgainAt = _time.GetUtcNow() + s_firstRetry * (1 << Math.Min(failures, MostDoublings)),
        };
        LogNotTold(application.Model, digest.Short, error);
    }

    /// <summary>There was no model before the one that is taken away. Nothing is there to go back to if the hook does not like it.</summary>
    private async Task WithdrawAsync(Application application, CancellationToken cancellationToken)
    {
        if (application.Now.Told is not { } told)
        {
            return;
        }
        if (await RunAsync(application, told.Digest, null, cancellationToken).ConfigureAwait(false) is not HookResult.Done and { } result)
        {
            LogNotTold(application.Model, "nothing", result.ToString());
        }
        Linux.Files.DurableFile.Delete(_state.Files, _state.HookRecord(application.Model));
        application.Now = new Standing(null, _time.GetTimestamp());
    }

    private async Task<HookResult> RunAsync(Application application, Digest? before, Digest? digest, CancellationToken cancellationToken)
    {
        if (application.Entry is not { } entry)
        {
            return new HookResult.NotStarted(application.EntryFault);
        }
        return await _hooks.RunAsync(
            new HookCall(entry, new Dictionary<string, string>
            {
                ["EDGEFLEET_MODEL"] = application.Model,
                ["EDGEFLEET_DIGEST"] = digest?.ToString() ?? "",
                ["EDGEFLEET_PATH"] = PathOf(digest),
                ["EDGEFLEET_CURRENT"] = _state.Current(application.Model),
                ["EDGEFLEET_PREVIOUS_DIGEST"] = before?.ToString() ?? "",
                ["EDGEFLEET_PREVIOUS_PATH"] = PathOf(before),
                ["EDGEFLEET_HEALTH_SOCKET"] = _state.HealthSocket,
            }),
            cancellationToken).ConfigureAwait(false);
    }

    private string PathOf(Digest? digest) => digest is { } known && _state.Holds(known) ? _state.ArtifactFiles(known) : "";

    private RunnerReport Report() => new(_startedAt, [.. _applications.Values.Select(Report)]);

    private RunnerModel Report(Application application)
    {
        Standing now = application.Now;
        HookRecord? told = now.Told;
        RunnerModel model = new()
        {
            Model = application.Model,
            Active = told is { Done: true } ? told.Digest : null,
            Application = true,
            Code = now.Code,
            Error = now.Error,
            AskAgainAt = now.AskAgainAt,
        };
        if (model.Active is not { } active)
        {
            return model;
        }
        TimeSpan limit = TimeSpan.FromSeconds(application.Entry?.SilentSeconds ?? new FileModeEntry { Model = "", Hook = "" }.SilentSeconds);
        HealthTotals? health = _health.Find(application.Model, active);
        model = model with
        {
            Since = told!.At,
            StartedAt = health?.StartedAt,
            Requests = health?.Requests ?? 0,
            Failures = health?.Errors ?? 0,
            NonFinite = health?.NonFinite ?? 0,
            Outputs = health?.Outputs,
            OutputsExpected = told.OutputsBefore,
            P50Micros = health?.P50Micros ?? 0,
            P95Micros = health?.P95Micros ?? 0,
        };
        TimeSpan quiet = _time.GetElapsedTime(Math.Max(now.ToldAt, health?.HeardAt ?? long.MinValue));
        if (health is not null && _time.GetElapsedTime(health.HeardAt) <= limit)
        {
            return model;
        }
        HealthTotals? other = _health.Newest(application.Model) is { } newest && newest.Digest != active && _time.GetElapsedTime(newest.HeardAt) <= limit ? newest : null;
        string said = other is null ? $"the application says nothing of {active.Short}" : $"the application says that it has loaded {other.Digest.Short}, not {active.Short}";
        return quiet <= limit
            ? model with { Waiting = said }
            : model with
            {
                Code = other is null ? FailureCodes.ApplicationSilent : FailureCodes.ApplicationElsewhere,
                Error = FormattableString.Invariant($"{said}, for {quiet.TotalSeconds:0} s at '{_state.HealthSocket}' ({limit.TotalSeconds:0} s are allowed)"),
            };
    }

    private HookRecord? ReadRecord(string model) => StateFile.Read(
        _state.Files, _state.HookRecord(model), FileModeJsonContext.Default.HookRecord, record => record.SchemaVersion, HookRecord.CurrentSchemaVersion, LogQuarantined);

    private void WriteRecord(HookRecord record) =>
        StateFile.Write(_state.Files, _state.HookRecord(record.Model), record, FileModeJsonContext.Default.HookRecord);

    [LoggerMessage(EventId = 3711, Level = LogLevel.Information, Message = "Model {Model}: its application was told of {Digest}")]
    private partial void LogTold(string model, string digest);

    [LoggerMessage(EventId = 3712, Level = LogLevel.Warning, Message = "Model {Model}: its application could not be told of {Digest}: {Reason}")]
    private partial void LogNotTold(string model, string digest, string reason);

    [LoggerMessage(EventId = 3713, Level = LogLevel.Error, Message = "Model {Model} is in file mode and its set-up cannot be read ({Reason}); nothing new is activated for it")]
    private partial void LogBadEntry(string model, string reason);

    [LoggerMessage(EventId = 3714, Level = LogLevel.Error, Message = "{Path} was damaged ({Reason}) and is put aside as .bad; the hook is run again")]
    private partial void LogQuarantined(string path, string reason);

    private sealed class Application(string model, FileModeEntry? entry, string entryFault)
    {
        private volatile Standing _now = new(null, 0);

        public string Model => model;
        public FileModeEntry? Entry => entry;
        public string EntryFault => entryFault;
        /// <summary>The hook runs once at a time.</summary>
        public SemaphoreSlim One { get; } = new(1, 1);

        public Standing Now
        {
            get => _now;
            set => _now = value;
        }
    }

    /// <param name="ToldAt">From when on the application may be expected to speak.</param>
    private sealed record Standing(HookRecord? Told, long ToldAt)
    {
        public string? Code { get; init; }
        public string? Error { get; init; }
        public int Failures { get; init; }
        public DateTimeOffset? AskAgainAt { get; init; }
    }
}
