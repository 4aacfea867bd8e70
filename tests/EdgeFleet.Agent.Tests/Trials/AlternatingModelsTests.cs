using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Inference;
using EdgeFleet.Measurement;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class AlternatingModelsTests
{
    private readonly List<string> _loaded = [];

    [Fact]
    public void Samples_are_gathered_and_run_on_one_model_after_the_other()
    {
        using AlternatingModels models = Models(TinyModel.AddBias([0, 0]), TinyModel.AddBias([15, 0]));
        for (int i = 0; i < AlternatingModels.MaximumSamples - 1; i++)
        {
            Assert.Empty(models.Take(Sample(i % 2 == 0 ? 10 : 30, 20)));
        }
        IReadOnlyList<ComparedSample> compared = models.Take(Sample(10, 20));

        Assert.Equal(AlternatingModels.MaximumSamples, compared.Count);
        Assert.Equal([true, false, true], compared.Take(3).Select(one => one.Pair.Disagrees));
        Assert.All(compared, one => Assert.False(one.Noise!.Value.Disagrees));
        Assert.Equal(["baseline", "candidate"], _loaded);
        Assert.Empty(models.Flush());
    }

    [Fact]
    public void Gathered_inputs_are_copies_and_are_wiped_when_they_were_compared_or_given_up()
    {
        byte[] batch = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([10, 20]).ToArray();
        using AlternatingModels models = Models(TinyModel.AddBias([0, 0]), TinyModel.AddBias([0, 0]));
        models.Take(new LiveSample([new Tensor("x", "FP32", [1, 2], batch)], SampleTags.None));
        Array.Clear(batch); // the batch is done

        Assert.Equal(1, Assert.Single(models.Flush()).Pair.Baseline!.Top1[0]);
    }

    [Fact]
    public void Large_inputs_are_compared_before_they_take_the_memory_that_is_missing()
    {
        int width = (int)(AlternatingModels.MaximumBytes / sizeof(float) / 2);
        using AlternatingModels models = Models(TinyModel.Sum(width), TinyModel.Sum(width));
        LiveSample half = new([new Tensor("x", "FP32", [1, width], new byte[width * sizeof(float)])], SampleTags.None);
        Assert.Empty(models.Take(half));
        Assert.Equal(2, models.Take(half).Count);
    }

    private static LiveSample Sample(float left, float right) => new([Tensor.Of("x", [1, 2], left, right)], SampleTags.None);

    private AlternatingModels Models(byte[] baseline, byte[] candidate)
    {
        return new AlternatingModels(() => Load("baseline", baseline), () => Load("candidate", candidate), new SeededCoin(1), noiseShare: 1);

        LoadedModel Load(string name, byte[] model)
        {
            _loaded.Add(name);
            return LoadedModel.Load(name, model);
        }
    }
}
