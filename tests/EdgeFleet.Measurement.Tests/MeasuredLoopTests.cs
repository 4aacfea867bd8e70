using System.Diagnostics;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests;

public sealed class MeasuredLoopTests : IDisposable
{
    private readonly LoadedModel _model = LoadedModel.Load("work", TinyModel.Work(16, 2));
    private readonly PreparedCall _call;

    public MeasuredLoopTests() => _call = _model.Prepare();

    [Fact]
    public void Nothing_is_allocated_while_it_measures()
    {
        MeasuredLoop loop = new(5000);
        loop.Run(_call, discard: 3, Stopwatch.Frequency);

        long before = GC.GetAllocatedBytesForCurrentThread();
        loop.Run(_call, discard: 3, Stopwatch.Frequency);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(5000, loop.Count);
    }

    [Fact]
    public void A_slow_model_is_still_timed_a_few_times()
    {
        MeasuredLoop loop = new(100);
        loop.Run(_call, discard: 0, duration: 0);
        Assert.Equal(3, loop.Count);
    }

    [Fact]
    public void Times_follow_each_other_without_gaps()
    {
        MeasuredLoop loop = new(1000);
        long start = Stopwatch.GetTimestamp();
        loop.Run(_call, discard: 0, Stopwatch.Frequency);
        long whole = Stopwatch.GetTimestamp() - start;

        long sum = 0;
        foreach (long ticks in loop.Ticks)
        {
            Assert.True(ticks > 0);
            sum += ticks;
        }
        Assert.True(sum <= whole);
    }

    public void Dispose()
    {
        _call.Dispose();
        _model.Dispose();
    }
}
