using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Inference.Tests;

public sealed class LoadedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_model_tells_its_contract_and_answers()
    {
        using LoadedModel model = LoadedModel.Load(_folder.Write("add.onnx", TinyModel.AddBias([1, 2, 3], rows: -1)));

        Assert.Equal("x:FP32[-1,3]", model.Contract.Inputs.Single().ToString());
        Assert.Equal("y:FP32[-1,3]", model.Contract.Outputs.Single().ToString());
        Tensor answer = model.Run([Tensor.Of("x", [2, 3], 10, 20, 30, 0, 0, 0)]).Single();
        Assert.Equal([11, 22, 33, 1, 2, 3], answer.Floats().ToArray());
        Assert.Equal([2, 3], answer.Shape);
        Assert.True(model.LoadTime > TimeSpan.Zero);
    }

    [Fact]
    public void An_output_whose_shape_depends_on_the_values_comes_as_it_is()
    {
        using LoadedModel model = LoadedModel.Load("nonzero", TinyModel.NonZero(4));

        Assert.Equal([0, 3], model.Run([Tensor.Of("x", [4], 5, 0, 0, 5)]).Single().Values<long>().ToArray());
        Assert.Equal([1, 0], model.Run([Tensor.Of("x", [4], 0, 0, 0, 0)]).Single().Shape);
    }

    [Fact]
    public async Task Many_threads_may_run_one_model_at_once()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 1]));

        await Parallel.ForAsync(0, 200, (i, _) =>
        {
            Assert.Equal([i + 1, i + 1], model.Run([Tensor.Of("x", [1, 2], i, i)]).Single().Floats().ToArray());
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => LoadedModel.Load(_folder["gone.onnx"]));
        Assert.Equal($"model '{_folder["gone.onnx"]}': there is no such file", error.Message);
    }

    [Theory, InlineData(0), InlineData(20), InlineData(100)]
    public void A_truncated_model_is_refused_and_named(int bytes)
    {
        string path = _folder.Write("cut.onnx", TinyModel.AddBias([1, 2, 3])[..bytes]);
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => LoadedModel.Load(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Garbage_is_refused_and_named()
    {
        byte[] garbage = new byte[4096];
        new Random(1).NextBytes(garbage);
        string path = _folder.Write("garbage.onnx", garbage);
        Assert.Contains(path, Assert.Throws<ModelLoadException>(() => LoadedModel.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_provider_that_the_library_lacks_is_named_with_those_it_has()
    {
        ModelLoadException error = Assert.Throws<ModelLoadException>(() =>
            LoadedModel.Load("add", TinyModel.AddBias([1]), new() { Provider = "NoSuchExecutionProvider" }));
        Assert.Contains("'NoSuchExecutionProvider'", error.Message, StringComparison.Ordinal);
        Assert.Contains("CPUExecutionProvider", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_that_do_not_fit_are_an_error_that_names_the_model()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        Assert.Contains("'add'", Assert.Throws<InferenceException>(() => model.Run([Tensor.Of("x", [1, 3], 1, 2, 3)])).Message, StringComparison.Ordinal);
        Assert.Contains("'add'", Assert.Throws<InferenceException>(() => model.Run([Tensor.Of("z", [1, 2], 1, 2)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_whose_bytes_do_not_fit_its_shape_is_refused()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => new Tensor("x", "FP32", [2, 2], new byte[12]));
        Assert.Contains("tensor 'x' FP32[2,2] needs 16 bytes, got 12", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_runtime_tells_its_release_and_providers()
    {
        Assert.Equal("1.29.0", InferenceRuntime.Version);
        Assert.Contains(InferenceRuntime.CpuProvider, InferenceRuntime.Providers);
    }

    public void Dispose() => _folder.Dispose();
}
