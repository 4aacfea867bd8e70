using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Benchmarks;

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
        SyntheticInputs.Fill(call, seed);
        for (int i = 0; i <= warmUp; i++)
        {
            call.Invoke();
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"answer\":\"{Hash(call):x16}\"}}"));
        Dictionary<int, MeasuredLoop> loops = [];
        while (Console.ReadLine() is { } line)
        {
            int count = int.Parse(line, CultureInfo.InvariantCulture);
            if (!loops.TryGetValue(count, out MeasuredLoop? loop))
            {
                loops[count] = loop = new MeasuredLoop(count);
            }
            long anyThread = GC.GetTotalAllocatedBytes(precise: true), thisThread = GC.GetAllocatedBytesForCurrentThread();
            loop.Run(call, discard: 0, long.MaxValue);
            thisThread = GC.GetAllocatedBytesForCurrentThread() - thisThread;
            anyThread = GC.GetTotalAllocatedBytes(precise: true) - anyThread;
            long[] sorted = loop.Ticks.ToArray();
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

    private static double Micros(long[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))] * 1e6 / Stopwatch.Frequency;
}
