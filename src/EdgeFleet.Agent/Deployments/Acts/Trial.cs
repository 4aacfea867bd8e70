using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>Benchmark and shadow: the candidate beside the artifact that serves.</summary>
internal sealed partial class Trial(DeploymentServices services, ILogger log)
{
    private const int CellsPerBlock = 4;
    private const int FullTail = 1000;
    private const int FullColdStarts = 3;

    public async Task<ActResult> BenchAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        if (services.Slots.Read(record.Model)?.Active is not { } baseline)
        {
            return ActResult.Retry(FailureCodes.NothingToRestore, "there is no baseline to measure against");
        }
        BenchJob job = new()
        {
            CandidatePath = EntryPoint(record.Model, record.Digest),
            BaselinePath = EntryPoint(record.Model, baseline),
            Session = new SessionChoice { Threads = services.Options.Threads },
            Looks = LooksOf(record.Plan.BenchBlocks),
            CellMs = Math.Max(1, record.Plan.BenchBlockMs / CellsPerBlock),
            WarmUpMs = record.Plan.BenchWarmUpMs,
            // The protocol that a whole class runs is a short one: percentiles come from the blocks.
            TailInferences = record.Plan.BenchFull ? FullTail : 0,
            ColdStarts = record.Plan.BenchFull ? FullColdStarts : 1,
            Counters = record.Plan.BenchFull,
            Seed = Seed("bench", record),
            // The device goes on serving meanwhile, so only the paired ratio means anything.
            Condition = BenchCondition.Live,
            Meter = services.Options.Meter,
            RawFile = record.Plan.BenchFull ? Path.Join(services.State.Benchmarks, $"{record.Digest.Hex}.json.gz") : null,
            LeaseFile = services.Options.BenchLease,
            LatencyMargin = record.Plan.BenchLatencyMargin,
            MemoryMargin = record.Plan.BenchMemoryMargin,
            EnergyMargin = record.Plan.BenchEnergyMargin,
            HardwareClass = services.Facts.Read().ClassId,
        };
        switch (await services.Trials.BenchAsync(job, record.Plan.WorkerMemoryBytes, cancellationToken).ConfigureAwait(false))
        {
            case TrialResult.Measured when services.Facts.Read().ClassId is var now && now != job.HardwareClass:
                return ActResult.Retry(FailureCodes.WorkerFailed, Changed(job.HardwareClass, now));
            case TrialResult.Measured { Evidence: { Blocks: 0 } nothing }:
                // A device that was not fit to be measured has no evidence, and that is no pass.
                return ActResult.Retry(FailureCodes.WorkerFailed, nothing.Reason);
            case TrialResult.Measured { Evidence: { } evidence }:
                // On disk before the phase that says so: a phase without its evidence would hold the rollout for ever.
                services.Reports.Bench(record, baseline, job.HardwareClass, evidence);
                if (job.EnergyMargin is not null && evidence.Energy.State == ReadingState.Absent)
                {
                    return ActResult.Refusal(FailureCodes.NoEnergyEvidence, $"the rollout asks for energy, which is absent: {evidence.Energy.Reason}");
                }
                return evidence.Verdict == "fail" ? ActResult.Refusal(RefusalCode(evidence), evidence.Reason) : ActResult.Success with { Detail = evidence.Reason };
            case TrialResult.ModelFailed failed:
                return failed.Invariant
                    ? ActResult.Broken(failed.Code, failed.Detail)
                    : ActResult.BadDigest(failed.Code, failed.Detail);
            case TrialResult.WorldFailed failed:
                return ActResult.Retry(FailureCodes.WorkerFailed, failed.Detail);
            default:
                return ActResult.Retry(FailureCodes.WorkerFailed, "the benchmark ended without a result");
        }
    }

    /// <summary>Goes on until the goal moves, or until the candidate breaks an invariant: then it stops at once, on this device alone.</summary>
    /// <param name="save">Saves the record; called after each tick is in the outbox.</param>
    public async Task<ActResult> ShadowAsync(DeploymentRecord record, Func<DeploymentRecord, DeploymentRecord> save, CancellationToken cancellationToken)
    {
        if (record.Plan.ServePercent <= 0)
        {
            return await CompareAsync(record, save, static () => null, cancellationToken).ConfigureAwait(false);
        }
        ShareKeeper share = new(services, record, Seed("share", record));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Task<ActResult> keeping = share.KeepAsync(stop.Token), comparing = CompareAsync(record, save, share.Take, stop.Token);
            Task<ActResult> first = await Task.WhenAny(keeping, comparing).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll((Task)keeping, comparing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await first.ConfigureAwait(false);
        }
        finally
        {
            await share.EndAsync().ConfigureAwait(false);
        }
    }

    private async Task<ActResult> CompareAsync(
        DeploymentRecord record, Func<DeploymentRecord, DeploymentRecord> save, Func<RequestArms?> takeArms, CancellationToken cancellationToken)
    {
        if (services.Slots.Read(record.Model)?.Active is not { } baseline)
        {
            return ActResult.Retry(FailureCodes.NothingToRestore, "there is no baseline to compare with");
        }
        if (services.Runners.IsFileMode(record.Model))
        {
            await SayAbsentAsync(record, save, cancellationToken).ConfigureAwait(false);
        }
        ShadowJob job = new()
        {
            Model = record.Model,
            BaselinePath = EntryPoint(record.Model, baseline),
            CandidatePath = EntryPoint(record.Model, record.Digest),
            ControlSocket = services.State.ControlSocket,
            IntraOpThreads = services.Options.Threads,
            TickMs = record.Plan.ShadowTickMs,
            SamplingShare = record.Plan.ShadowSamplingShare,
            NoiseShare = record.Plan.ShadowNoiseShare,
            MaxPerSecond = record.Plan.ShadowMaxPerSecond,
            TaxBudget = record.Plan.ShadowTaxBudget,
            LatencyP95Margin = record.Plan.ShadowLatencyP95Margin,
            LatencyP99Margin = record.Plan.ShadowLatencyP99Margin,
            Slices = record.Plan.ShadowSlices,
            Seed = Seed("shadow", record),
            FirstTick = record.NextTick,
            MemoryBudgetBytes = record.Plan.WorkerMemoryBytes,
        };
        string hardwareClass = services.Facts.Read().ClassId;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ActResult? end = null;
        bool taxed = false;
        TrialResult ended;
        try
        {
            ended = await services.Trials.ShadowAsync(
                job,
                async (counted, _) =>
                {
                    ShadowTick tick = counted with { Arms = takeArms() };
                    string now = services.Facts.Read().ClassId;
                    end = Invariant(tick);
                    if (now != hardwareClass && end is null)
                    {
                        // Measured partly as one class and partly as another: evidence of neither. Its number is used again.
                        services.Reports.Reported();
                        end = ActResult.Retry(FailureCodes.WorkerFailed, Changed(hardwareClass, now), counted: false);
                        await StopAsync().ConfigureAwait(false);
                    }
                    services.Reports.Shadow(record, baseline, hardwareClass, tick);
                    if (tick.Taxed && !taxed)
                    {
                        LogTaxed(record.Model, record.Digest.Short, tick.TaxLogRatio is { } ratio ? (Math.Exp(ratio) - 1) * 100 : null, job.TaxBudget * 100);
                    }
                    taxed = tick.Taxed;
                    record = save(record with { NextTick = tick.Tick + 1 });
                    if (end is not null)
                    {
                        await StopAsync().ConfigureAwait(false);
                    }
                },
                stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end is not null && !cancellationToken.IsCancellationRequested)
        {
            return end;
        }
        return end ?? ended switch
        {
            TrialResult.ModelFailed { Invariant: true } failed => ActResult.Broken(failed.Code, failed.Detail),
            TrialResult.ModelFailed failed => ActResult.BadDigest(failed.Code, failed.Detail),
            TrialResult.WorldFailed failed => ActResult.Retry(FailureCodes.WorkerFailed, failed.Detail),
            _ => ActResult.Retry(FailureCodes.WorkerFailed, "the shadow ended by itself"),
        };

        async Task StopAsync()
        {
            await stop.CancelAsync().ConfigureAwait(false);
            stop.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Says why there is no shadow here, and waits until the goal moves: no evidence is not the same as no harm.</summary>
    private async Task SayAbsentAsync(DeploymentRecord record, Func<DeploymentRecord, DeploymentRecord> save, CancellationToken cancellationToken)
    {
        if (record.Code != FailureCodes.ShadowAbsent)
        {
            services.Reports.Deployment(save(record with
            {
                Code = FailureCodes.ShadowAbsent,
                Detail = "shadow absent: file mode; the application loads the model itself, so no copy of its inputs can be compared here",
            }));
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, services.Time, cancellationToken).ConfigureAwait(false);
    }

    [LoggerMessage(EventId = 3241, Level = LogLevel.Warning, Message = "Model {Model}: the shadow of {Digest} made the served model slower by {Percent:0} %, more than the {Budget:0.#} % it may; it rests and goes on at half its rate")]
    private partial void LogTaxed(string model, string digest, double? percent, double budget);

    private static ActResult? Invariant(ShadowTick tick) => tick switch
    {
        { Crashed: true } => ActResult.Broken(FailureCodes.Crashed, $"the candidate crashed its worker in tick {tick.Tick}"),
        { OutOfMemory: true } => ActResult.Broken(FailureCodes.OutOfMemory, $"the candidate ran out of memory in tick {tick.Tick}, at {tick.CandidatePeakBytes} bytes"),
        { CandidateNonFinite: > 0 } => ActResult.Broken(FailureCodes.NonFinite, $"{tick.CandidateNonFinite} of {tick.Pairs} answers in tick {tick.Tick} are not finite"),
        { CandidateWrongShape: > 0 } => ActResult.Broken(FailureCodes.WrongShape, $"{tick.CandidateWrongShape} of {tick.Pairs} answers in tick {tick.Tick} have the wrong shape"),
        { CandidateFailures: > 0 } => ActResult.Broken(FailureCodes.InferenceFailed, $"{tick.CandidateFailures} inferences of the candidate failed in tick {tick.Tick}"),
        _ => null,
    };

    /// <summary>Only devices of one class are compared, and one that changes its class begins its evidence anew.</summary>
    private static string Changed(string from, string to) => $"the hardware class changed from '{from}' to '{to}' meanwhile";

    /// <summary>The protocol's own number of blocks is looked at on the way; any other once.</summary>
    private static IReadOnlyList<int> LooksOf(int blocks) => blocks == BenchJob.StandardLooks[^1] ? BenchJob.StandardLooks : [blocks];

    private static string RefusalCode(BenchEvidence evidence) =>
        IsBeyond(evidence.Latency.Interval, evidence.Latency.Margin) ? FailureCodes.SlowerThanBaseline
        : IsBeyond(evidence.Energy.Interval, evidence.Energy.Margin) ? FailureCodes.HungrierThanBaseline
        : FailureCodes.BiggerThanBaseline;

    private static bool IsBeyond(IReadOnlyList<double>? interval, double? margin) => interval is [var low, _] && low > 1 + margin;

    private string EntryPoint(string model, Digest digest) => Path.Join(
        services.State.ArtifactFiles(digest),
        (services.Store.FindManifest(model, digest) ?? throw new IOException($"artifact {digest.Short} is not on this device")).Manifest.EntryPoint);

    /// <summary>The same for each repeat of one trial, and another for each device's trial: the digest and the rollout make it.</summary>
    private static ulong Seed(string kind, DeploymentRecord record) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind} {record.Digest} {record.RolloutId} {record.Attempt} {record.NextTick}")));
}
