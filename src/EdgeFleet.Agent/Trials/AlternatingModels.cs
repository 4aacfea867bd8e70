using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Measurement;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// One model at a time, where memory does not hold both beside the one that serves: samples are gathered, the baseline runs on
/// all of them and is let go, then the candidate. A model that was just loaded is cold and its pair ran minutes ago, so nothing
/// here is timed. Inputs are held in memory until then, and wiped.
/// </summary>
internal sealed class AlternatingModels(Func<LoadedModel> baseline, Func<LoadedModel> candidate, SeededCoin coin, double noiseShare) : IShadowModels
{
    /// <summary>So many samples, or so many bytes of them, are worth loading two models for.</summary>
    internal const int MaximumSamples = 32;
    internal const long MaximumBytes = 8L << 20;

    private readonly PairJudge _judge = new();
    private readonly List<(LiveSample Sample, byte[][] Bytes)> _gathered = [];
    private long _bytes;

    public bool Timed => false;

    public IReadOnlyList<ComparedSample> Take(LiveSample sample)
    {
        // Copies: those of the batch are wiped when it is done.
        byte[][] bytes = [.. sample.Inputs.Select(input => input.Data.ToArray())];
        Tensor[] inputs = [.. sample.Inputs.Zip(bytes, (input, copy) => new Tensor(input.Name, input.ElementType, input.Shape, copy))];
        _gathered.Add((sample with { Inputs = inputs }, bytes));
        _bytes += bytes.Sum(copy => (long)copy.Length);
        return _gathered.Count >= MaximumSamples || _bytes >= MaximumBytes ? Flush() : [];
    }

    public IReadOnlyList<ComparedSample> Flush()
    {
        if (_gathered.Count == 0)
        {
            return [];
        }
        try
        {
            (SideAnswer First, SideAnswer? Second)[] baselines = Run(
                baseline, (model, inputs) => (SideAnswer.Of(model, inputs), coin.Chance(noiseShare) ? SideAnswer.Of(model, inputs) : (SideAnswer?)null));
            SideAnswer[] candidates = Run(candidate, SideAnswer.Of);
            return
            [
                .. _gathered.Select((gathered, i) => new ComparedSample(
                    gathered.Sample.Tags,
                    _judge.Compare(baselines[i].First, candidates[i]),
                    baselines[i].Second is { } second ? _judge.CompareBaselineWithItself(baselines[i].First, second) : null)),
            ];
        }
        finally
        {
            Forget();
        }
    }

    public void Dispose() => Forget();

    private T[] Run<T>(Func<LoadedModel> load, Func<LoadedModel, IReadOnlyList<Tensor>, T> run)
    {
        try
        {
            using LoadedModel model = load();
            return [.. _gathered.Select(gathered => run(model, gathered.Sample.Inputs))];
        }
        finally
        {
            NativeHeap.Trim(); // or the next model would come on top of this one
        }
    }

    private void Forget()
    {
        foreach (byte[] bytes in _gathered.SelectMany(gathered => gathered.Bytes))
        {
            Array.Clear(bytes);
        }
        _gathered.Clear();
        _bytes = 0;
    }
}
