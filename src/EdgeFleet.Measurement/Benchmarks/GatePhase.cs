using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Step 0: whether the device is fit to be measured. What passes by waiting is waited for, a while.</summary>
internal sealed class GatePhase(BenchSetup setup, ISystemFiles files)
{
    /// <summary>How long the load of others is looked at before each decision.</summary>
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    /// <summary>Rules that the device did not tell enough for.</summary>
    public IReadOnlyList<string> Unchecked { get; private set; } = [];

    /// <returns>Null where the device may be measured, else why not, with a code for programs first.</returns>
    public async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        if (setup.Job.GateWaitSeconds is not { } wait)
        {
            return null;
        }
        // A device that serves is busy with that: its load is part of the condition.
        GateLimits limits = setup.Job.Condition == BenchCondition.Live ? new GateLimits { OthersPerCore = null } : new GateLimits();
        TimeSpan look = limits.OthersPerCore is null ? TimeSpan.Zero : s_look;
        long begun = setup.Time.GetTimestamp();
        while (true)
        {
            setup.Report("looking", 0);
            GateFacts facts = await GateFacts.CollectAsync(files, [Environment.ProcessId], freeDiskBytes: null, look, setup.Time, cancellationToken).ConfigureAwait(false);
            GateDecision decision = MeasurementGate.Judge(facts, limits);
            Unchecked = decision.Unchecked;
            if (decision.MayMeasure)
            {
                return null;
            }
            string why = string.Join("; ", decision.Refusals.Select(refusal => $"{refusal.Code}: {refusal.Sentence}"));
            TimeSpan waited = setup.Time.GetElapsedTime(begun);
            if (waited.TotalSeconds >= wait || decision.Refusals.Any(refusal => !refusal.Passes))
            {
                return why;
            }
            setup.Report("waiting", waited.TotalSeconds / Math.Max(wait, 1), why);
            await Task.Delay(TimeSpan.FromSeconds(1), setup.Time, cancellationToken).ConfigureAwait(false);
        }
    }
}
