using System.Diagnostics;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Single inferences one after the other for the tail of the distribution, over several sessions: where a session lies moves
/// all of its inferences, and one session's percentiles would be the percentiles of one place in memory.
/// </summary>
internal sealed class TailPhase(BenchSetup setup, HostPair pair)
{
    private const int Sessions = 5;
    private const int DiscardedFirst = 10;
    private static readonly long s_most = 60 * Stopwatch.Frequency;

    private readonly Dictionary<MeasuredModel, List<double>> _nanos = new() { [MeasuredModel.Baseline] = [], [MeasuredModel.Candidate] = [] };

    /// <summary>Nanoseconds of each inference in the order measured.</summary>
    public IReadOnlyList<double> NanosOf(MeasuredModel model) => _nanos[model];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        int each = (setup.Job.TailInferences + Sessions - 1) / Sessions;
        for (int session = 0; session < Sessions && each > 0; session++)
        {
            setup.Report("tail", (double)session / Sessions);
            await pair.RenewAsync(setup.Job.Session, cancellationToken).ConfigureAwait(false);
            foreach (MeasuredModel model in setup.ModelsInRandomOrder())
            {
                await MeasureAsync(model, each, firstInput: session * each, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>As many as asked for, in cells of what a host remembers, or as many as the time allows: a second per inference makes a thousand of them too long.</summary>
    private async Task MeasureAsync(MeasuredModel model, int inferences, int firstInput, CancellationToken cancellationToken)
    {
        long left = s_most / Sessions;
        for (int done = 0; done < inferences && left > 0;)
        {
            CellReply reply = await pair.MeasureAsync(
                model,
                new CellRequest { Discard = DiscardedFirst, LeadTicks = Stopwatch.Frequency / 20, DurationTicks = left, MaximumSamples = inferences - done, FirstInput = firstInput + done },
                cancellationToken).ConfigureAwait(false);
            double[] nanos = Cell.Of(model, reply, batch: 1).Nanos;
            _nanos[model].AddRange(nanos);
            done += nanos.Length;
            left -= reply.EndTicks - reply.BeginTicks;
        }
    }
}
