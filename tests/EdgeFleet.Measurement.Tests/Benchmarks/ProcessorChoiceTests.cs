using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

[Collection(WholeProcess.Name)]
public sealed class ProcessorChoiceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SeededCoin _coin = new(7);
    private readonly List<ProcessorChoice> _choices = [];

    public void Dispose()
    {
        _choices.ForEach(choice => choice.Dispose());
        _folder.Dispose();
    }

    [Fact]
    public void Blocks_wander_over_the_fastest_processors_alone()
    {
        for (int cpu = 0; cpu < 6; cpu++)
        {
            _folder.Write($"sys/devices/system/cpu/cpu{cpu}/cpu_capacity", cpu < 4 ? "444\n" : "1024\n");
        }
        ProcessorChoice choice = Choice("0-5");
        Assert.Equal(["4", "5"], Draws(choice, 40).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(["4-5"], Draws(Choice("0-5", threads: 2), 10).Distinct());
    }

    [Fact]
    public void A_processor_that_others_use_is_left_alone_for_a_while_unless_there_is_no_other()
    {
        ProcessorChoice choice = Choice("0,1");
        string busy = choice.Draw(_coin)!;
        choice.WereBusy();
        Assert.DoesNotContain(busy, Draws(choice, 4));
        Assert.Contains(busy, Draws(choice, 40));

        ProcessorChoice only = Choice("3");
        only.Draw(_coin);
        only.WereBusy();
        Assert.Equal("3", only.Draw(_coin));
    }

    [Fact]
    public void The_coordinator_steps_aside_from_what_is_drawn_and_comes_back()
    {
        string before = ProcessorSet.Allowed().ToString();
        ProcessorChoice choice = Choice(null);
        int drawn = int.Parse(choice.Draw(_coin)!, CultureInfo.InvariantCulture);
        IReadOnlyList<int> aside = ProcessorSet.Allowed().Numbers;
        // With one processor there is nowhere to step to.
        Assert.True(aside is [_] && aside[0] == drawn && before == $"{drawn}" || !aside.Contains(drawn), $"drawn {drawn}, aside on {string.Join(',', aside)}");

        choice.Dispose();
        Assert.Equal(before, ProcessorSet.Allowed().ToString());
    }

    [Fact]
    public void On_a_device_that_serves_the_kernel_chooses()
    {
        Assert.Null(Choice(null, BenchCondition.Live).Draw(_coin));
        Assert.Equal("0-1", Choice("0-1", BenchCondition.Live).Draw(_coin));
    }

    private List<string> Draws(ProcessorChoice choice, int count) => [.. Enumerable.Range(0, count).Select(_ => choice.Draw(_coin)!)];

    private ProcessorChoice Choice(string? cpus, BenchCondition condition = BenchCondition.Quiet, int threads = 1)
    {
        _choices.Add(new(new BenchJob { CandidatePath = "x", Cpus = cpus, Condition = condition, Session = new SessionChoice { Threads = threads } }, new KernelFiles(_folder.Path)));
        return _choices[^1];
    }
}
