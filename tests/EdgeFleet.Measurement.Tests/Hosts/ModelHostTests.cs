using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Hosts;

public sealed class ModelHostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_cell_is_timed_in_the_other_process_without_an_allocation_there()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(64, 8));
        await using HostProcess host = await TestHosts.StartAsync(model);
        LoadReply loaded = await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        Assert.Equal("y:FP32[1,64]", Assert.Single(loaded.Contract.Outputs).ToString());

        CellRequest cell = new() { Discard = 3, DurationTicks = Stopwatch.Frequency / 50, MinimumSamples = 200, Batch = 4 };
        await host.MeasureAsync(cell, CancellationToken.None); // the runtime's own first times
        long before = Stopwatch.GetTimestamp();
        CellReply reply = await host.MeasureAsync(cell, CancellationToken.None);
        long after = Stopwatch.GetTimestamp();

        double[] nanos = MemoryMarshal.Cast<byte, double>(reply.Nanos).ToArray();
        Assert.True(nanos.Length >= 200);
        Assert.All(nanos, value => Assert.True(value > 0));
        Assert.Equal(4L * nanos.Length, reply.Inferences);
        Assert.Equal(0, reply.AllocatedBytes);
        Assert.Equal(0, reply.Collections);
        Assert.True(reply.FirstMicros > 0);
        // One clock for all processes: the window lies within what this one saw of it, and the samples within the window.
        Assert.True(before <= reply.BeginTicks && reply.BeginTicks < reply.EndTicks && reply.EndTicks <= after);
        Assert.True(4 * nanos.Sum() <= (reply.EndTicks - reply.BeginTicks) * 1e9 / Stopwatch.Frequency);
        Assert.True(reply.RunNanos > 0);
    }

    [Fact]
    public async Task A_lead_keeps_the_load_up_before_and_after_the_window_and_is_not_in_it()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 1));
        await using HostProcess host = await TestHosts.StartAsync(model);
        await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        long lead = Stopwatch.Frequency / 5; // far longer than an answer takes by itself

        long before = Stopwatch.GetTimestamp();
        CellReply reply = await host.MeasureAsync(new CellRequest { LeadTicks = lead, DurationTicks = lead }, CancellationToken.None);
        long after = Stopwatch.GetTimestamp();

        Assert.True(reply.BeginTicks - before >= lead);
        Assert.True(after - reply.EndTicks >= lead);
    }

    [Fact]
    public async Task Inputs_are_fed_in_order_from_the_one_asked_for_and_begin_again_at_the_end()
    {
        string model = _folder.Write("bias.onnx", TinyModel.AddBias([10, 20]));
        string inputs = _folder.Write("inputs.bin", MemoryMarshal.AsBytes<float>([1, 2, 3, 4, 5, 6]).ToArray());
        await using HostProcess host = await TestHosts.StartAsync(model);
        LoadReply loaded = await host.LoadAsync(TestHosts.Load(model, inputs), CancellationToken.None);
        Assert.Equal(3, loaded.Inputs);

        OutputReply outputs = await host.ReadOutputsAsync(new OutputRequest(Inputs: 4, LargestElements: 100), CancellationToken.None);

        Assert.Equal([11, 22, 13, 24, 15, 26, 11, 22], MemoryMarshal.Cast<byte, float>(outputs.Values).ToArray());
        Assert.Equal([2, 2, 2, 2], outputs.Lengths);
    }

    [Fact]
    public async Task Synthetic_answers_are_of_inputs_that_differ_and_the_same_again_for_the_same_seed()
    {
        string model = _folder.Write("bias.onnx", TinyModel.AddBias([10, 20]));
        await using HostProcess host = await TestHosts.StartAsync(model);
        await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        OutputRequest request = new(Inputs: 4, LargestElements: 100);

        float[] answers = MemoryMarshal.Cast<byte, float>((await host.ReadOutputsAsync(request, CancellationToken.None)).Values).ToArray();

        Assert.Equal(4, answers.Chunk(2).Select(answer => answer[0]).Distinct().Count());
        Assert.Equal(answers, MemoryMarshal.Cast<byte, float>((await host.ReadOutputsAsync(request, CancellationToken.None)).Values).ToArray());
        Assert.Equal(2, (await host.ReadOutputsAsync(request with { LargestElements = 3 }, CancellationToken.None)).Inputs);
    }

    [Fact]
    public async Task Inputs_that_are_not_whole_are_refused_with_both_sizes()
    {
        string model = _folder.Write("bias.onnx", TinyModel.AddBias([10, 20]));
        string inputs = _folder.Write("inputs.bin", new byte[12]);
        await using HostProcess host = await TestHosts.StartAsync(model);

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => host.LoadAsync(TestHosts.Load(model, inputs), CancellationToken.None));

        Assert.Contains("12 bytes are not a whole number of inputs of 8 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_an_offered_rate_an_inference_is_charged_from_when_it_was_meant_to_start()
    {
        string model = _folder.Write("heavy.onnx", TinyModel.Work(256, 400));
        await using HostProcess host = await TestHosts.StartAsync(model);
        await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        double alone = Cell.Median(MemoryMarshal.Cast<byte, double>((await host.MeasureAsync(new CellRequest { DurationTicks = 0, MinimumSamples = 11 }, CancellationToken.None)).Nanos).ToArray());

        // Ten times as many as it can answer: the last waits for all before it.
        long gap = (long)(alone / 10 * Stopwatch.Frequency / 1e9);
        CellReply reply = await host.MeasureAsync(new CellRequest { DurationTicks = 50 * gap, MeanGapTicks = gap, Seed = 1 }, CancellationToken.None);

        double[] nanos = MemoryMarshal.Cast<byte, double>(reply.Nanos).ToArray();
        Assert.True(nanos.Length > 20);
        Assert.True(nanos[^1] > nanos.Length / 2 * alone, $"the last of {nanos.Length} took {nanos[^1]} ns, one alone {alone}");
    }

    [Fact]
    public async Task Memory_is_told_apart_by_phase()
    {
        string model = _folder.Write("hungry.onnx", TinyModel.Hungry(32 << 20));
        await using HostProcess host = await TestHosts.StartAsync(model);
        LoadReply loaded = await host.LoadAsync(TestHosts.Load(model) with { Phases = true }, CancellationToken.None);

        Assert.Equal(["process", "load", "first inference"], loaded.Phases.Select(phase => phase.Memory.Phase));
        long? loading = loaded.Phases[1].Memory.PeakBytes, first = loaded.Phases[2].Memory.PeakBytes;
        Assert.True(first > loading + (128L << 20), $"{loading} while loading, {first} at the first inference");
    }

    [Fact]
    public async Task A_model_that_is_loaded_anew_takes_the_place_of_the_one_before()
    {
        string model = _folder.Write("large.onnx", TinyModel.AddBias(new float[8 << 20]));
        await using HostProcess host = await TestHosts.StartAsync(model);
        long once = await LoadedAsync();
        for (int i = 0; i < 4; i++)
        {
            await LoadedAsync();
        }
        // Weights, input and output of 32 MiB each: five of them would be 384 MiB more.
        Assert.InRange(await LoadedAsync(), 0, once + (150L << 20));

        async Task<long> LoadedAsync()
        {
            await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
            return (await host.EndPhaseAsync(MemoryPhases.Load, CancellationToken.None)).Memory.AnonymousBytes!.Value;
        }
    }

    [Fact]
    public async Task A_model_beyond_its_memory_limit_is_ended_and_named()
    {
        string model = _folder.Write("hungry.onnx", TinyModel.Hungry(512L << 20));
        await using HostProcess host = await TestHosts.StartAsync(model, memoryLimit: 300L << 20);

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => host.LoadAsync(TestHosts.Load(model), CancellationToken.None));

        Assert.Equal((BenchException.OutOfMemory, false), (error.Code, error.OfBaseline));
        Assert.Contains(model, error.Message, StringComparison.Ordinal);
        Assert.Contains($"{300L << 20} are allowed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_hangs_is_ended_when_a_slow_one_would_have_answered_and_a_baseline_is_blamed_as_the_baseline()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 1));
        ManualTimeProvider time = new();
        await using HostProcess host = await TestHosts.StartAsync(model, patience: TimeSpan.FromSeconds(60), which: MeasuredModel.Baseline, time: time);
        LoadReply loaded = await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        using (Process stop = Process.Start("/bin/kill", ["-STOP", $"{host.Id}"]))
        {
            await stop.WaitForExitAsync();
        }

        Task waiting = time.TimerCreated;
        Task<CellReply> cell = host.MeasureAsync(new CellRequest { Discard = 10, DurationTicks = 2 * Stopwatch.Frequency, MinimumSamples = 1000, Batch = 2 }, CancellationToken.None);
        await waiting;
        // A minute, the window, and three times what its 2,010 inferences take.
        TimeSpan patience = time.NextDue!.Value - time.GetUtcNow();
        Assert.Equal(62 + (3 * 2010 * loaded.SecondMs / 1000), patience.TotalSeconds, tolerance: 0.001);
        time.Advance(patience);

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => cell);
        Assert.Equal((BenchException.Hung, true), (error.Code, error.OfBaseline));
    }

    [Fact]
    public async Task Of_an_answer_of_millions_of_elements_the_first_are_compared_and_all_are_looked_at()
    {
        string model = _folder.Write("image.onnx", TinyModel.SquareRoot(2 << 20));
        float[] image = new float[2 << 20];
        (image[0], image[^1]) = (4, -1);
        string inputs = _folder.Write("inputs.bin", MemoryMarshal.AsBytes<float>([.. image, .. image]).ToArray());
        await using HostProcess host = await TestHosts.StartAsync(model);
        await host.LoadAsync(TestHosts.Load(model, inputs), CancellationToken.None);

        OutputReply outputs = await host.ReadOutputsAsync(new OutputRequest(Inputs: 2, LargestElements: 1000), CancellationToken.None);

        Assert.Equal((1, 1), (outputs.Inputs, outputs.NonFinite));
        Assert.Equal(1000, Assert.Single(outputs.Lengths));
        Assert.Equal([2, 0], MemoryMarshal.Cast<byte, float>(outputs.Values)[..2].ToArray());
        Assert.Equal(1000 * sizeof(float), outputs.Values.Length);
    }

    [Fact]
    public async Task A_host_that_dies_is_told_from_one_that_fails()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 1));
        await using HostProcess host = await TestHosts.StartAsync(model);
        await host.LoadAsync(TestHosts.Load(model), CancellationToken.None);
        using (Process process = Process.GetProcessById(host.Id))
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => host.MeasureAsync(new CellRequest { DurationTicks = 0 }, CancellationToken.None));

        Assert.Equal(BenchException.Crashed, error.Code);
        Assert.Contains("signal 9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_uses_the_processors_that_it_is_told_to()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 1));
        int last = ProcessorSet.Allowed().Numbers[^1];
        await using HostProcess host = await TestHosts.StartAsync(model);

        await host.LoadAsync(TestHosts.Load(model) with { Cpus = $"{last}" }, CancellationToken.None);

        foreach (string task in Directory.EnumerateDirectories($"/proc/{host.Id}/task"))
        {
            Assert.Contains($"Cpus_allowed_list:\t{last}\n", File.ReadAllText(Path.Join(task, "status")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_host_that_shares_its_processor_says_how_long_it_waited()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(64, 8));
        await using HostProcess one = await TestHosts.StartAsync(model), other = await TestHosts.StartAsync(model);
        LoadRequest load = TestHosts.Load(model) with { Cpus = $"{ProcessorSet.Allowed().Numbers[^1]}" };
        await one.LoadAsync(load, CancellationToken.None);
        await other.LoadAsync(load, CancellationToken.None);

        CellRequest cell = new() { DurationTicks = Stopwatch.Frequency / 4 };
        CellReply[] replies = await Task.WhenAll(one.MeasureAsync(cell, CancellationToken.None), other.MeasureAsync(cell, CancellationToken.None));

        // Whoever began first may have had it alone for a while, and the other not.
        Assert.Contains(replies, reply => reply.WaitNanos > 0.05 * (reply.RunNanos + reply.WaitNanos));
    }
}
