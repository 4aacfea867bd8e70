using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Inference.Tests;

public sealed class PreparedCallTests
{
    [Fact]
    public void A_prepared_call_sees_what_is_written_into_its_buffers_each_time()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall call = model.Prepare();

        for (int i = 0; i < 3; i++)
        {
            call.Inputs[0].Values<float>()[0] = i;
            call.Invoke();
            Assert.Equal([i + 1, 2], call.Outputs[0].Values<float>().ToArray());
        }
    }

    [Fact]
    public void The_measured_loop_allocates_nothing()
    {
        using LoadedModel model = LoadedModel.Load("work", TinyModel.Work(16, 3));
        using PreparedCall call = model.Prepare();
        call.Invoke();

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            call.Inputs[0].Values<float>()[0] = i;
            call.Invoke();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_free_dimension_takes_the_size_that_is_asked_for()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2], rows: -1));
        using PreparedCall call = model.Prepare(freeDimension: 5);

        Assert.Equal([5, 2], call.Inputs[0].Shape);
        Assert.Equal([5, 2], call.Outputs[0].Shape);
    }

    [Fact]
    public void Calls_of_one_model_run_side_by_side()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall one = model.Prepare();
        using PreparedCall other = model.Prepare();

        one.Inputs[0].Values<float>().Fill(10);
        other.Inputs[0].Values<float>().Fill(20);
        one.Invoke();
        other.Invoke();

        Assert.Equal([11, 12], one.Outputs[0].Values<float>().ToArray());
        Assert.Equal([21, 22], other.Outputs[0].Values<float>().ToArray());
    }

    [Fact]
    public void An_output_that_changes_its_shape_is_an_error_not_a_wrong_answer()
    {
        using LoadedModel model = LoadedModel.Load("nonzero", TinyModel.NonZero(4));
        using PreparedCall call = model.Prepare();

        call.Inputs[0].Values<float>().Fill(1);

        Assert.Contains("'nonzero'", Assert.Throws<InferenceException>(call.Invoke).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shapes_that_the_model_does_not_take_are_refused()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        Assert.Throws<InferenceException>(() => model.Prepare([[1, 3]]));
        Assert.Throws<InferenceException>(() => model.Prepare([[1, 2], [1, 2]]));
    }

    [Fact]
    public void A_disposed_call_does_not_touch_freed_memory()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        PreparedCall call = model.Prepare();
        call.Dispose();
        Assert.Throws<ObjectDisposedException>(() => call.Inputs[0].Bytes.Length);
    }
}
