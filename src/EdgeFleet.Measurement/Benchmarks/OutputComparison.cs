using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>Both models' answers to the same inputs, before anything is timed: a model that answers NaN need not be fast.</summary>
internal static class OutputComparison
{
    private static readonly OutputRequest s_request = new(Inputs: 16, LargestElements: 1 << 16);

    /// <returns>Null for one model alone.</returns>
    /// <exception cref="BenchException">The candidate answers with what is no number.</exception>
    public static async Task<OutputEvidence?> RunAsync(BenchSetup setup, HostPair pair, List<string> warnings, CancellationToken cancellationToken)
    {
        OutputReply candidate = await pair.ReadOutputsAsync(MeasuredModel.Candidate, s_request, cancellationToken).ConfigureAwait(false);
        if (!setup.IsPaired)
        {
            NoteNonFinite(candidate, "the model", warnings);
            return null;
        }
        OutputReply baseline = await pair.ReadOutputsAsync(MeasuredModel.Baseline, s_request, cancellationToken).ConfigureAwait(false);
        NoteNonFinite(baseline, "the baseline", warnings);
        if (candidate.NonFinite > 0 && baseline.NonFinite == 0)
        {
            throw new BenchException(BenchException.NonFinite, $"candidate '{setup.Job.CandidatePath}': {candidate.FirstNonFinite}; the baseline's answers are all finite");
        }
        return Compare(baseline, candidate);
    }

    private static void NoteNonFinite(OutputReply reply, string who, List<string> warnings)
    {
        if (reply.NonFinite > 0)
        {
            warnings.Add($"{who} answers with what is no number: {reply.FirstNonFinite}");
        }
    }

    internal static OutputEvidence Compare(OutputReply baseline, OutputReply candidate)
    {
        ReadOnlySpan<float> ours = MemoryMarshal.Cast<byte, float>(candidate.Values);
        ReadOnlySpan<float> theirs = MemoryMarshal.Cast<byte, float>(baseline.Values);
        int inputs = Math.Min(baseline.Inputs, candidate.Inputs);
        int outputs = candidate.Lengths.Count / Math.Max(candidate.Inputs, 1);
        double largest = 0;
        int sameTop = 0, at = 0, atTheirs = 0;
        for (int input = 0; input < inputs; input++)
        {
            bool same = true;
            for (int output = 0; output < outputs; output++)
            {
                int length = candidate.Lengths[(input * outputs) + output];
                ReadOnlySpan<float> mine = ours.Slice(at, length);
                ReadOnlySpan<float> other = theirs.Slice(atTheirs, baseline.Lengths[(input * outputs) + output]);
                (at, atTheirs) = (at + length, atTheirs + other.Length);
                if (mine.Length != other.Length)
                {
                    same = false;
                    continue;
                }
                for (int i = 0; i < length; i++)
                {
                    double difference = Math.Abs((double)mine[i] - other[i]);
                    largest = difference > largest ? difference : largest;
                }
                same &= length == 0 || mine.IndexOf(Largest(mine)) == other.IndexOf(Largest(other));
            }
            sameTop += same ? 1 : 0;
        }
        return new OutputEvidence { Inputs = inputs, LargestDifference = largest, SameTop = sameTop };
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        float largest = float.NegativeInfinity;
        foreach (float value in values)
        {
            largest = value > largest ? value : largest;
        }
        return largest;
    }
}
