using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class OutputComparisonTests
{
    [Fact]
    public void Answers_are_compared_element_by_element_and_by_where_their_largest_is()
    {
        OutputReply baseline = Of(2, [3, 1], 0.1f, 0.8f, 0.1f, 5, 0.4f, 0.5f, 0.1f, 7);
        OutputReply candidate = Of(2, [3, 1], 0.1f, 0.7f, 0.2f, 5, 0.6f, 0.3f, 0.1f, 7);

        OutputEvidence compared = OutputComparison.Compare(baseline, candidate);

        Assert.Equal((2, 1), (compared.Inputs, compared.SameTop));
        Assert.Equal(0.2, compared.LargestDifference, 6);
    }

    [Fact]
    public void An_output_of_another_length_is_another_answer()
    {
        OutputEvidence compared = OutputComparison.Compare(Of(1, [2], 1, 2), Of(1, [3], 1, 2, 3));
        Assert.Equal((1, 0), (compared.Inputs, compared.SameTop));
    }

    private static OutputReply Of(int inputs, int[] lengths, params float[] values) =>
        new(MemoryMarshal.AsBytes<float>(values).ToArray(), [.. Enumerable.Range(0, inputs).SelectMany(_ => lengths)], inputs, 0, null);
}
