using System.Net;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Takes copies of live inputs from the runner and compares both models on them, tick after tick until it is told to end.
/// The application was answered by the baseline long before: nothing here can make a request slower but by using the machine.
/// </summary>
internal sealed class ShadowWorker(ShadowJob job, RunnerClient runner, ISystemFiles device, WorkerOutput output, TimeProvider time)
{
    /// <summary>A poll is never longer, so that a tick ends when it should.</summary>
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);
    /// <summary>After it has slowed the served model down, the shadow leaves it alone for so long.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(30);

    private readonly SeededCoin _coin = new(job.Seed ^ (ulong)job.FirstTick);
    /// <summary>So often the device itself is looked at, and labels are collected.</summary>
    private static readonly TimeSpan s_strainInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_labelInterval = TimeSpan.FromSeconds(1);

    private readonly TickCounter _counter = new(job.LatencyP95Margin, job.LatencyP99Margin, job.Slices, time);
    private readonly DeviceStrain _strain = new(device);
    private readonly RestLedger _missed = new(EveryNth(job));
    private readonly Pulse _strainPulse = new(s_strainInterval, time);
    private readonly Pulse _labelPulse = new(s_labelInterval, time);
    private string? _strained;
    private readonly ShadowTax _tax = new(job.TaxBudget);
    private TokenBucket _rate = new(job.MaxPerSecond, time);
    private double _perSecond = job.MaxPerSecond;
    private long? _resting;

    /// <exception cref="WorkerException">A model does not load, the contracts differ, or the budget was exceeded.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        output.Write(WorkerLine.OfProgress("loading", 0));
        using IShadowModels models = ShadowModels.Load(job, device, _coin);
        _counter.Timed = models.Timed;
        output.Write(WorkerLine.OfProgress("shadowing", 0));
        Switchback switchback = new(_tax, _coin.Flip, ServedAsync, time);
        for (long tick = job.FirstTick; ; tick++)
        {
            await RunTickAsync(models, switchback, tick, cancellationToken);
        }
    }

    private async Task RunTickAsync(IShadowModels models, Switchback switchback, long tick, CancellationToken cancellationToken)
    {
        TimeSpan length = TimeSpan.FromMilliseconds(job.TickMs);
        DateTimeOffset startedAt = time.GetUtcNow();
        long start = time.GetTimestamp();
        bool tooMuch = false;
        while (!tooMuch && time.GetElapsedTime(start) < length)
        {
            TimeSpan left = Shortest(length - time.GetElapsedTime(start), s_longestPoll);
            await CollectLabelsAsync(cancellationToken);
            if (ReasonToRest() is { } reason)
            {
                await RestAsync(reason, left, cancellationToken);
                continue;
            }
            _missed.Stop();
            await switchback.AdvanceAsync(cancellationToken);
            left = Shortest(left, switchback.Left);
            if (switchback.On)
            {
                using SampleBatch batch = await TakeAsync(left, cancellationToken);
                foreach (LiveSample sample in batch.Samples)
                {
                    Compare(models, sample);
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
            else
            {
                await Task.Delay(left, time, cancellationToken);
            }
            RestWhenTaxing();
            tooMuch = Peak() > job.MemoryBudgetBytes;
        }
        Count(models.Flush());
        _counter.Tax(_tax.LogRatio);
        long peak = Peak();
        output.Write(WorkerLine.OfTick(_counter.Finish(tick, startedAt, time.GetElapsedTime(start), peak, tooMuch)));
        if (tooMuch)
        {
            throw new WorkerException(WorkerErrors.BudgetExceeded, $"model '{job.CandidatePath}': the shadow's peak memory of {peak} bytes exceeds its budget of {job.MemoryBudgetBytes}");
        }
    }

    /// <summary>A budget that cannot be watched is not kept, so there is no shadow without this reading.</summary>
    private static long Peak() => PeakMemory.Read()
        ?? throw new WorkerException(WorkerErrors.NoMemoryReading, "/proc/self/status has no VmHWM, so the shadow cannot keep its memory budget");

    /// <summary>
    /// Stops at once and for a while, then goes on at half the rate: an expensive candidate is compared less often, and the
    /// evidence that is then missing is for the gate to name.
    /// </summary>
    private void RestWhenTaxing()
    {
        if (_tax.Exceeded)
        {
            _counter.Tax(_tax.LogRatio);
            _counter.Rest();
            _tax.Clear();
            _perSecond /= 2;
            _rate = new TokenBucket(_perSecond, time);
            _resting = time.GetTimestamp();
        }
    }

    /// <summary>One of <see cref="DropReasons"/>; null: the shadow may run.</summary>
    private string? ReasonToRest()
    {
        if (_strainPulse.Due())
        {
            _strained = _strain.Read();
        }
        return _strained ?? (IsResting() ? DropReasons.Taxed : null);
    }

    private async Task RestAsync(string reason, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (reason == DropReasons.Taxed)
        {
            _counter.Rest();
        }
        if (!_missed.Began)
        {
            _missed.Begin(await ServedAsync(cancellationToken));
        }
        await Task.Delay(wait, time, cancellationToken);
        _counter.Drop(reason, _missed.Missed(await ServedAsync(cancellationToken)));
    }

    private async Task CollectLabelsAsync(CancellationToken cancellationToken)
    {
        if (!_labelPulse.Due())
        {
            return;
        }
        try
        {
            CollectedLabels labels = await runner.LabelsAsync(job.Model, cancellationToken);
            _counter.DropLabels(LabelDropReasons.Ring, (int)Math.Min(labels.Dropped, int.MaxValue));
            foreach (PostedLabel label in labels.Labels)
            {
                _counter.AddLabel(label);
            }
            if (labels.Labels.Count == ControlApi.MaximumLabels)
            {
                _labelPulse.Again();
            }
        }
        catch (HttpRequestException)
        {
            // The runner is away for the moment; who takes samples counts it.
            return;
        }
    }

    private bool IsResting()
    {
        if (_resting is { } since && time.GetElapsedTime(since) >= s_rest)
        {
            _resting = null;
        }
        return _resting is not null;
    }

    /// <summary>What applications have seen of the model that serves; null while the runner does not say.</summary>
    private async Task<(DateTimeOffset Since, LogLatency Latency)?> ServedAsync(CancellationToken cancellationToken)
    {
        try
        {
            RunnerStatus status = await runner.StatusAsync(cancellationToken);
            return status.Models.FirstOrDefault(model => model.Model == job.Model) is { Since: { } since, LogLatency: { } sums }
                ? (since, new LogLatency(sums.Count, sums.Sum, sums.SumOfSquares))
                : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static TimeSpan Shortest(TimeSpan one, TimeSpan other)
    {
        TimeSpan shorter = one < other ? one : other;
        return shorter > TimeSpan.Zero ? shorter : TimeSpan.Zero;
    }

    private void Compare(IShadowModels models, LiveSample sample)
    {
        if (_rate.TryTake())
        {
            Count(models.Take(sample));
        }
        else
        {
            _counter.Drop(DropReasons.Rate, 1);
        }
    }

    private void Count(IReadOnlyList<ComparedSample> compared)
    {
        foreach (ComparedSample sample in compared)
        {
            _counter.Add(sample.Pair, sample.Tags.Id, sample.Tags.Slices);
            if (sample.Noise is { } noise)
            {
                _counter.AddNoise(noise, swap: _coin.Flip());
            }
        }
    }

    private static int EveryNth(ShadowJob job) => Math.Max(1, (int)Math.Round(1 / job.SamplingShare));

    private async Task<SampleBatch> TakeAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        SamplesRequest request = new()
        {
            Model = job.Model,
            WaitMs = Math.Max((int)wait.TotalMilliseconds, 1),
            EveryNth = EveryNth(job),
            Slices = job.Slices,
        };
        try
        {
            SampleBatch batch = await runner.SamplesAsync(request, cancellationToken);
            _counter.Drop(DropReasons.Ring, (int)Math.Min(batch.Dropped, int.MaxValue));
            return batch;
        }
        catch (HttpRequestException ex) when (ex.StatusCode is null or HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable)
        {
            // The runner starts again or does not serve the model at this moment. No pairs is evidence that is missing, and
            // the tick says so by its count.
            _counter.Drop(DropReasons.RunnerAway, 1);
            await Task.Delay(wait < s_retry ? wait : s_retry, time, cancellationToken);
            return new SampleBatch([], [], 0);
        }
    }
}
