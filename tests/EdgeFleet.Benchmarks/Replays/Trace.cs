using EdgeFleet.Agent.Trials;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;
using EdgeFleet.Measurement;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>One input as the shadow worker compared it, and the baseline against itself where the coin asked for that too.</summary>
internal readonly record struct TracedPair(int Input, PairOutcome Pair, PairOutcome? Noise, bool Swap);

/// <summary>
/// Pairs that were measured in a row, on this machine, by the shadow worker's own code, with two sessions that were loaded for
/// them: how two sessions lie in memory is part of what differs from device to device.
/// </summary>
internal sealed record Trace(TracedPair[] Pairs)
{
    private const int Devices = 24;
    private const int PairsEach = 3000;
    private const int WarmUp = 300;
    private const double NoiseShare = 0.1;

    public static string Source => $"{Devices} traces of {PairsEach} pairs, measured in this run by the shadow worker's code on Fashion-MNIST's test images";

    /// <summary>The inputs that are asked: the example's test images.</summary>
    public static IReadOnlyList<Tensor> Inputs()
    {
        DatasetSplit split = Dataset.Load(Path.Join(Example, "dataset.yaml")).Read("test");
        float[] row = new float[split.RowElements];
        return [.. Enumerable.Range(0, split.Count).Select(i =>
        {
            split.CopyRow(i, row);
            return Tensor.Of("input", [1, 1, 28, 28], row);
        })];
    }

    public static string Example => Path.Join(Checkout.Root, "fleet", "examples", "fashion");

    public static IReadOnlyList<Trace> Measure(string baseline, string candidate, IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken) =>
        [.. Enumerable.Range(0, Devices).Select(device => Measure(baseline, candidate, inputs, (ulong)device + 1, cancellationToken))];

    private static Trace Measure(string baseline, string candidate, IReadOnlyList<Tensor> inputs, ulong seed, CancellationToken cancellationToken)
    {
        SeededCoin coin = new(seed);
        using ShadowPair pair = new(LoadedModel.Load(baseline), LoadedModel.Load(candidate));
        TracedPair[] pairs = new TracedPair[PairsEach];
        for (int i = -WarmUp; i < PairsEach; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int asked = coin.Below(inputs.Count);
            Tensor[] input = [inputs[asked]];
            PairOutcome outcome = pair.Compare(input, coin.Flip());
            TracedPair traced = new(asked, outcome, coin.Chance(NoiseShare) ? pair.CompareBaselineWithItself(input) : null, coin.Flip());
            if (i >= 0)
            {
                pairs[i] = traced;
            }
        }
        return new Trace(pairs);
    }
}
