using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests.Hosts;

/// <summary>What the loop has fed is read off the last answer: the model adds 10 to its input.</summary>
public sealed class CellLoopTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LoadedModel _model;
    private readonly PreparedCall _call;
    private readonly InputFeed _feed;
    private readonly CellLoop _loop = new();

    public CellLoopTests()
    {
        _model = LoadedModel.Load(_folder.Write("bias.onnx", TinyModel.AddBias([10])), HostedSession.OptionsOf(new SessionChoice()));
        _call = _model.Prepare(1);
        _feed = new InputFeed(_call, _folder.Write("inputs.bin", MemoryMarshal.AsBytes<float>([0, 1, 2, 3, 4, 5, 6, 7]).ToArray()), seed: 0);
    }

    public void Dispose()
    {
        _feed.Dispose();
        _call.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_window_goes_through_the_inputs_from_the_one_asked_for_one_for_each_sample()
    {
        _loop.Window(_call, _feed, new CellRequest { DurationTicks = 0, MinimumSamples = 3, FirstInput = 2 });
        Assert.Equal(14, Answer); // inputs 2, 3 and 4
        Assert.Equal((3, 3), (_loop.Samples, _loop.Inferences));

        _loop.Window(_call, _feed, new CellRequest { DurationTicks = 0, MinimumSamples = 2, FirstInput = 7, Batch = 5 });
        Assert.Equal(10, Answer); // 7, and again from 0
        Assert.Equal((2, 10), (_loop.Samples, _loop.Inferences));
    }

    [Fact]
    public void A_window_has_no_more_samples_than_asked_for_and_than_there_is_memory()
    {
        _loop.Window(_call, _feed, new CellRequest { DurationTicks = Stopwatch.Frequency, MaximumSamples = 4 });
        Assert.Equal(4, _loop.Samples);

        CellLoop small = new(capacity: 5);
        small.Window(_call, _feed, new CellRequest { DurationTicks = Stopwatch.Frequency, MinimumSamples = 9 });
        Assert.Equal(5, small.Samples);
    }

    [Fact]
    public void Arrivals_and_what_is_discarded_are_fed_in_the_same_order()
    {
        _loop.OfferedWindow(_call, _feed, new CellRequest { DurationTicks = 0, FirstInput = 3 }, [0, 0, 0]);
        Assert.Equal((15f, 3), (Answer, _loop.Samples));

        _loop.LeadIn(_call, _feed, new CellRequest { DurationTicks = 0, Discard = 2, FirstInput = 5 });
        Assert.Equal(16, Answer);
        Assert.True(_loop.FirstNanos > 0);
    }

    [Fact]
    public void A_session_has_the_settings_that_were_chosen() => Assert.Equal(
        new InferenceOptions { IntraOpThreads = 3, AllowSpinning = true, MemoryArena = false, Provider = "CUDAExecutionProvider" },
        HostedSession.OptionsOf(new SessionChoice { Threads = 3, Spinning = true, Arena = false, Provider = "CUDAExecutionProvider" }));

    private float Answer => _call.Outputs[0].Values<float>()[0];
}
