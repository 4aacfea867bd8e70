using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Processor counters in blocks of their own: what counting costs must not be in a latency, and no more events are counted at
/// once than the processor has counters for.
/// </summary>
internal sealed class CounterPhase(BenchSetup setup, HostPair pair, CellPlan plan)
{
    private readonly Dictionary<MeasuredModel, Dictionary<string, List<CounterReading>>> _counts = new() { [MeasuredModel.Baseline] = [], [MeasuredModel.Candidate] = [] };

    public async Task<CounterEvidence> RunAsync(CancellationToken cancellationToken)
    {
        if (!setup.Job.Counters)
        {
            return CounterEvidence.Absent("not asked for");
        }
        int groups = await pair.LoadForCountingAsync(setup.Job.Session, cancellationToken).ConfigureAwait(false);
        for (int group = 0; group < groups; group++)
        {
            setup.Report("counting", (double)group / groups);
            IReadOnlyList<MeasuredModel> order = setup.ModelsInRandomOrder();
            foreach (MeasuredModel model in order.Concat(order.Reverse()))
            {
                CellReply reply = await pair.MeasureAsync(
                    model, new CellRequest { Discard = 3, DurationTicks = plan.DurationTicks, Batch = plan.BatchOf(model), CounterGroup = group }, cancellationToken).ConfigureAwait(false);
                foreach ((string name, CounterReading reading) in reply.Counters ?? new Dictionary<string, CounterReading>())
                {
                    (_counts[model].TryGetValue(name, out List<CounterReading>? readings) ? readings : _counts[model][name] = []).Add(reading);
                }
                if (reply.Counters?.Values.All(reading => reading.State == ReadingState.Absent) == true && group == 0)
                {
                    // What the first events are refused for, all are: the reason is said once.
                    return CounterEvidence.Absent(reply.Counters.Values.First().Reason!);
                }
            }
        }
        return new CounterEvidence { State = ReadingState.Measured, Baseline = setup.IsPaired ? Of(MeasuredModel.Baseline) : null, Candidate = Of(MeasuredModel.Candidate) };
    }

    private Dictionary<string, CounterReading> Of(MeasuredModel model) => _counts[model].ToDictionary(
        counted => counted.Key,
        counted => counted.Value.FirstOrDefault(reading => reading.State == ReadingState.Absent)
            ?? new CounterReading(ReadingState.Measured, counted.Value.Average(reading => reading.PerInference), counted.Value.Min(reading => reading.RunningShare), null));
}
