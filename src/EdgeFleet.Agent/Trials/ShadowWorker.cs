using System.Net;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Measurement;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Takes copies of live inputs from the runner and compares both models on them, tick after tick until it is told to end.
/// The application was answered by the baseline long before: nothing here can make a request slower but by using the machine.
/// </summary>
internal sealed class ShadowWorker(ShadowJob job, RunnerClient runner, WorkerOutput output, TimeProvider time)
{
    /// <summary>A poll is never longer, so that a tick ends when it should.</summary>
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly SeededCoin _coin = new(job.Seed ^ (ulong)job.FirstTick);
    private readonly TokenBucket _rate = new(job.MaxPerSecond, time);
    private readonly TickCounter _counter = new();

    /// <exception cref="WorkerException">A model does not load, the contracts differ, or the budget was exceeded.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        output.Write(WorkerLine.OfProgress("loading", 0));
        using ShadowPair pair = Load();
        output.Write(WorkerLine.OfProgress("shadowing", 0));
        for (long tick = job.FirstTick; ; tick++)
        {
            await RunTickAsync(pair, tick, cancellationToken);
        }
    }

    private async Task RunTickAsync(ShadowPair pair, long tick, CancellationToken cancellationToken)
    {
        TimeSpan length = TimeSpan.FromMilliseconds(job.TickMs);
        DateTimeOffset startedAt = time.GetUtcNow();
        long start = time.GetTimestamp();
        bool tooMuch = false;
        while (!tooMuch && time.GetElapsedTime(start) < length)
        {
            TimeSpan left = length - time.GetElapsedTime(start);
            foreach (IReadOnlyList<Tensor> inputs in await TakeAsync(left < s_longestPoll ? left : s_longestPoll, cancellationToken))
            {
                Compare(pair, inputs);
                cancellationToken.ThrowIfCancellationRequested();
            }
            tooMuch = PeakMemory.Read() > job.MemoryBudgetBytes;
        }
        long peak = PeakMemory.Read() ?? 0;
        output.Write(WorkerLine.OfTick(_counter.Finish(tick, startedAt, time.GetElapsedTime(start), peak, tooMuch)));
        if (tooMuch)
        {
            throw new WorkerException(WorkerErrors.BudgetExceeded, $"model '{job.CandidatePath}': the shadow's peak memory of {peak} bytes exceeds its budget of {job.MemoryBudgetBytes}");
        }
    }

    private void Compare(ShadowPair pair, IReadOnlyList<Tensor> inputs)
    {
        if (!_rate.TryTake())
        {
            _counter.Drop("rate", 1);
            return;
        }
        _counter.Add(pair.Compare(inputs, candidateFirst: _coin.Flip()));
        if (_coin.Chance(job.NoiseShare))
        {
            _counter.AddNoise(pair.CompareBaselineWithItself(inputs), swap: _coin.Flip());
        }
    }

    private async Task<IReadOnlyList<IReadOnlyList<Tensor>>> TakeAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        SamplesRequest request = new()
        {
            Model = job.Model,
            WaitMs = Math.Max((int)wait.TotalMilliseconds, 1),
            EveryNth = Math.Max(1, (int)Math.Round(1 / job.SamplingShare)),
        };
        try
        {
            (IReadOnlyList<IReadOnlyList<Tensor>> samples, long dropped) = await runner.SamplesAsync(request, cancellationToken);
            _counter.Drop("ring", (int)Math.Min(dropped, int.MaxValue));
            return samples;
        }
        catch (HttpRequestException ex) when (ex.StatusCode is null or HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable)
        {
            // The runner starts again or does not serve the model at this moment. No pairs is evidence that is missing, and
            // the tick says so by its count.
            _counter.Drop("runnerAway", 1);
            await Task.Delay(wait < s_retry ? wait : s_retry, time, cancellationToken);
            return [];
        }
    }

    private ShadowPair Load()
    {
        InferenceOptions options = new() { IntraOpThreads = job.IntraOpThreads };
        LoadedModel? baseline = null, candidate = null;
        try
        {
            baseline = LoadedModel.Load(job.BaselinePath, options);
            candidate = LoadedModel.Load(job.CandidatePath, options);
            if (ContractChecks.FirstMismatch(baseline.Contract, candidate.Contract) is { } mismatch)
            {
                throw new WorkerException(WorkerErrors.ContractChanged, $"model '{job.CandidatePath}' against '{job.BaselinePath}': {mismatch}");
            }
            ShadowPair pair = new(baseline, candidate);
            (baseline, candidate) = (null, null);
            return pair;
        }
        catch (ModelLoadException ex)
        {
            throw new WorkerException(WorkerErrors.ModelNotLoaded, ex.Message, ex);
        }
        finally
        {
            baseline?.Dispose();
            candidate?.Dispose();
        }
    }
}
