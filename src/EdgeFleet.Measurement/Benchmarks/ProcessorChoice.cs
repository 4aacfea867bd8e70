using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Which processors both models of a block use. On a quiet device as many as a session has threads, drawn anew for each block
/// from the fastest kind: a scheduler that leaves the one model on a good processor and the other on a busy one for a whole
/// run would be taken for a difference between the models. On a device that serves the kernel chooses.
/// </summary>
internal sealed class ProcessorChoice : IDisposable
{
    private readonly IReadOnlyList<int> _fastest;
    /// <summary>A processor that others were using is left alone for so many draws: what they do there takes a while.</summary>
    private const int DrawsLeftAlone = 4;

    private readonly BenchJob _job;
    private readonly ProcessorSet _own = ProcessorSet.Allowed();
    private readonly Dictionary<int, int> _leftAloneUntil = [];
    private List<int> _drawn = [];
    private int _draws;

    public ProcessorChoice(BenchJob job, ISystemFiles files)
    {
        _job = job;
        IReadOnlyList<int> allowed = job.Cpus is { } cpus ? ProcessorSet.Parse(cpus).Numbers : ProcessorSet.Allowed().Numbers;
        // cpu_capacity: 1024 is the fastest kind of a big.LITTLE board; where there is one kind the kernel may say nothing.
        Dictionary<int, int> capacity = allowed.ToDictionary(number => number, number => Capacity(files, number));
        int most = capacity.Values.Max();
        _fastest = [.. allowed.Where(number => capacity[number] == most)];
    }

    /// <summary>As the kernel writes lists; null leaves the choice to the kernel.</summary>
    public string? Draw(SeededCoin coin)
    {
        if (_job.Condition == BenchCondition.Live)
        {
            return _job.Cpus;
        }
        _draws++;
        List<int> left = [.. _fastest.Where(number => _leftAloneUntil.GetValueOrDefault(number) < _draws)];
        if (left.Count < _job.Session.Threads)
        {
            left = [.. _fastest];
        }
        _drawn = [];
        while (_drawn.Count < _job.Session.Threads && left.Count > 0)
        {
            int index = coin.Below(left.Count);
            _drawn.Add(left[index]);
            left.RemoveAt(index);
        }
        StepAside();
        return ProcessorSet.Of(_drawn).ToString();
    }

    /// <summary>Gives this process the processors back that it had.</summary>
    public void Dispose() => _own.Apply();

    /// <summary>The coordinator reads the last cell's results and compiles its own code while the next is measured: elsewhere.</summary>
    private void StepAside()
    {
        int[] others = [.. _own.Numbers.Except(_drawn)];
        (others.Length > 0 ? ProcessorSet.Of(others) : _own).Apply();
    }

    /// <summary>Others were using what was drawn last.</summary>
    public void WereBusy()
    {
        foreach (int number in _drawn)
        {
            _leftAloneUntil[number] = _draws + DrawsLeftAlone;
        }
    }

    private static int Capacity(ISystemFiles files, int number) =>
        int.TryParse(files.Read($"/sys/devices/system/cpu/cpu{number}/cpu_capacity").Text, NumberStyles.None, CultureInfo.InvariantCulture, out int capacity) ? capacity : 0;
}
