using System.Globalization;
using System.Text.Json;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// Our measured loop in a process of its own, behind the same lines of text as <c>native_bench.c</c>: a hash of the outputs
/// when it is ready, then for every number read as many timed inferences.
/// </summary>
internal static class LoopProcess
{
    public const string Command = "measured-loop";

    public static int Run(string modelPath, ulong seed, int warmUp)
    {
        using LoadedModel model = LoadedModel.Load(modelPath);
        using PreparedCall call = model.Prepare();
        using InputFeed feed = new(call, path: null, seed);
        for (int i = 0; i <= warmUp; i++)
        {
            call.Invoke();
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"answer\":\"{Hash(call):x16}\"}}"));
        Dictionary<int, CellLoop> loops = [];
        while (Console.ReadLine() is { } line)
        {
            int count = int.Parse(line, CultureInfo.InvariantCulture);
            if (!loops.TryGetValue(count, out CellLoop? loop))
            {
                loops[count] = loop = new CellLoop(count);
            }
            CellRequest cell = new() { DurationTicks = long.MaxValue, MaximumSamples = count };
            long anyThread = GC.GetTotalAllocatedBytes(precise: true), thisThread = GC.GetAllocatedBytesForCurrentThread();
            loop.Window(call, feed, cell);
            thisThread = GC.GetAllocatedBytesForCurrentThread() - thisThread;
            anyThread = GC.GetTotalAllocatedBytes(precise: true) - anyThread;
            double[] sorted = loop.Nanos.ToArray();
            Array.Sort(sorted);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                inferences = sorted.Length,
                p50Micros = Micros(sorted, 0.50),
                p90Micros = Micros(sorted, 0.90),
                p99Micros = Micros(sorted, 0.99),
                allocatedByThisThread = thisThread,
                allocatedByAnyThread = anyThread,
            }));
        }
        return 0;
    }

    /// <summary>FNV-1a over the bytes of all outputs.</summary>
    private static ulong Hash(PreparedCall call)
    {
        ulong hash = 0xCBF2_9CE4_8422_2325;
        foreach (PreparedTensor output in call.Outputs)
        {
            foreach (byte value in output.Bytes)
            {
                hash = (hash ^ value) * 0x100_0000_01B3;
            }
        }
        return hash;
    }

    private static double Micros(double[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))] / 1000;
}
