using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>
/// What the runner adds to an inference: a binary request of the Open Inference Protocol over a Unix socket, by REST and by
/// gRPC, minus the bare ONNX Runtime call on the same input, all on one processor and taken in turns within one run.
/// </summary>
public static class ServingBenchmark
{
    private const int Rounds = 5;
    private const int WarmUp = 2000;
    private const int Requests = 4000;
    private const string Model = "fashion_resnet8";

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string models = Path.Combine(Checkout.Root, "fleet", "examples", "fashion");
        int cpu = PinnedThread.LastAllowed();
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        string socket = Path.Join(folder, "infer.sock");
        string grpcSocket = Path.Join(folder, "grpc.sock");
        string agent = Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll");
        ProcessStartInfo start = new("taskset", ["-c", $"{cpu}", "dotnet", agent, "serve", "--models-root", models, "--listen", $"unix:{socket}", "--grpc-listen", $"unix:{grpcSocket}"])
        {
            RedirectStandardOutput = true,
        };
        long begun = Stopwatch.GetTimestamp();
        using Process runner = Process.Start(start)!;
        try
        {
            string? line = await runner.StandardOutput.ReadLineAsync(cancellationToken);
            double startMs = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            if (line is null)
            {
                throw new InvalidOperationException($"the runner ended with code {runner.ExitCode}");
            }
            List<double> bare = [], served = [], bareTail = [], servedTail = [], grpc = [], grpcTail = [];
            using LoadedModel model = LoadedModel.Load(Path.Join(models, Model + ".onnx"));
            using PreparedCall call = model.Prepare();
            SyntheticInputs.Fill(call, seed: 1);
            using InferenceClient client = new(socket, Model, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
            using GrpcInferenceClient grpcClient = new(grpcSocket, Model, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
            for (int round = 0; round < Rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long[] bareTicks = await PinnedThread.RunAsync(cpu, () => Time(call.Invoke));
                long[] servedTicks = await PinnedThread.RunAsync(cpu, () => Time(() => client.Ask()));
                long[] grpcTicks = await PinnedThread.RunAsync(cpu, () => Time(() => grpcClient.Ask()));
                bare.Add(Micros(bareTicks, 0.50));
                bareTail.Add(Micros(bareTicks, 0.99));
                served.Add(Micros(servedTicks, 0.50));
                servedTail.Add(Micros(servedTicks, 0.99));
                grpc.Add(Micros(grpcTicks, 0.50));
                grpcTail.Add(Micros(grpcTicks, 0.99));
            }
            double resident = Resident(runner.Id);
            double overhead = Median(served) - Median(bare);
            double grpcOverhead = Median(grpc) - Median(bare);
            string source = $"median of {Rounds} rounds of {Requests} requests, one connection, client and runner on processor {cpu}, {Model}";
            return
            [
                new("oip binary over unix socket minus bare call, p50", overhead, "us", "<= 60", overhead <= 60, source),
                new("oip gRPC over unix socket minus bare call, p50", grpcOverhead, "us", "<= 80", grpcOverhead <= 80, source),
                new("bare ONNX Runtime call, p50", Median(bare), "us", null, true, source),
                new("oip binary over unix socket, p50", Median(served), "us", null, true, source),
                new("bare ONNX Runtime call, p99", Median(bareTail), "us", null, true, source),
                new("oip binary over unix socket, p99", Median(servedTail), "us", null, true, source),
                new("oip gRPC over unix socket, p50", Median(grpc), "us", null, true, source),
                new("oip gRPC over unix socket, p99", Median(grpcTail), "us", null, true, source),
                new("runner, process start to listening with its models loaded", startMs, "ms", null, true, "one start, pinned to the same processor"),
                new("runner, resident memory after the requests", resident, "MB", null, true, "VmRSS of the process"),
            ];
        }
        finally
        {
            runner.Kill();
            await runner.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static long[] Time(Action act)
    {
        for (int i = 0; i < WarmUp; i++)
        {
            act();
        }
        long[] ticks = new long[Requests];
        for (int i = 0; i < ticks.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            act();
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }
        Array.Sort(ticks);
        return ticks;
    }

    private static double Micros(long[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))] * 1e6 / Stopwatch.Frequency;

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double Resident(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line["VmRSS:".Length..^"kB".Length], System.Globalization.CultureInfo.InvariantCulture) * 1024 / 1e6;
    }
}
