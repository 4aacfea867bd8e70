using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>
/// What the runner adds to an inference: a binary request of the Open Inference Protocol over a Unix socket, by REST and by
/// gRPC, minus the bare ONNX Runtime call on the same input, beside a server of Node, all on one processor and taken in turns
/// within one run. The shadow worker takes its samples meanwhile.
/// </summary>
public static class ServingBenchmark
{
    private const int Rounds = 5;
    private const int WarmUp = 2000;
    private const int Requests = 4000;
    private const string Model = "fashion-resnet8";
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string models = Path.Combine(Checkout.Root, "fleet", "examples", "fashion");
        string path = Path.Join(models, "fashion_resnet8.onnx");
        int cpu = PinnedThread.LastAllowed();
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        string socket = Path.Join(folder, "infer.sock"), grpcSocket = Path.Join(folder, "grpc.sock"), nodeSocket = Path.Join(folder, "node.sock");
        try
        {
            ServedState.Write(folder, Model, path);
            await using ServerProcess runner = await ServerProcess.RunnerAsync(folder, socket, grpcSocket, cpu, cancellationToken);
            await using ServerProcess node = await ServerProcess.StartAsync(
                cpu,
                [
                    "node", Path.Join(Checkout.Root, "tests", "EdgeFleet.Benchmarks", "Serving", "Peers", "node_server.cjs"), nodeSocket,
                    Path.Join(Checkout.Root, "eng", "onnxruntime", "node_modules", "onnxruntime-node"), path, Model,
                ],
                cancellationToken);
            using LoadedModel model = LoadedModel.Load(path);
            using PreparedCall call = model.Prepare();
            SyntheticInputs.Fill(call, seed: 1);
            using InferenceClient client = new(socket, Model, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
            using InferenceClient nodeClient = new(nodeSocket, Model, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
            using GrpcInferenceClient grpcClient = new(grpcSocket, Model, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
            Timed bare = new(call.Invoke), rest = new(() => client.Ask()), grpc = new(() => grpcClient.Ask()), peer = new(() => nodeClient.Ask()), quiet = new(() => client.Ask());
            await TakeTurnsAsync(cpu, [quiet], cancellationToken);
            // Elsewhere where there is an elsewhere: what is asked is what taking samples costs the runner.
            await using ShadowProcess shadow = await ShadowProcess.StartAsync(
                folder, Model, path, Path.Join(models, "fashion_resnet8_v2.onnx"), s_tick, cpu > 0 ? $"0-{cpu - 1}" : null, cancellationToken);
            await TakeTurnsAsync(cpu, [bare, rest, grpc, peer], cancellationToken);
            await Task.Delay(s_tick, cancellationToken);
            if (shadow.Pairs == 0)
            {
                throw new InvalidOperationException("the shadow worker compared nothing: these are no figures of a runner that is sampled");
            }
            string source = $"median of {Rounds} rounds of {Requests} requests, one connection, client and server on processor {cpu}, {Model}";
            string sampled = $"{source}; the shadow worker samples at the default rate";
            double overhead = rest.P50 - bare.P50, grpcOverhead = grpc.P50 - bare.P50, tail = rest.P99 / peer.P99;
            return
            [
                new("oip binary over unix socket minus bare call, p50", overhead, "us", "<= 35", overhead <= 35, sampled),
                new("oip gRPC over unix socket minus bare call, p50", grpcOverhead, "us", "<= 80", grpcOverhead <= 80, sampled),
                new("a server of Node and onnxruntime-node minus bare call, p50", peer.P50 - bare.P50, "us", null, true, $"the same binary request; {source}"),
                new("oip binary over unix socket, p99, over that of Node", tail, "ratio", "<= 1", tail <= 1, sampled),
                new("bare ONNX Runtime call, p50", bare.P50, "us", null, true, source),
                new("oip binary over unix socket, p50", rest.P50, "us", null, true, sampled),
                new("the same without a shadow worker", quiet.P50, "us", null, true, $"before the other rounds; {source}"),
                new("oip gRPC over unix socket, p50", grpc.P50, "us", null, true, sampled),
                new("Node, p50", peer.P50, "us", null, true, source),
                new("bare ONNX Runtime call, p99", bare.P99, "us", null, true, source),
                new("oip binary over unix socket, p99", rest.P99, "us", null, true, sampled),
                new("oip gRPC over unix socket, p99", grpc.P99, "us", null, true, sampled),
                new("Node, p99", peer.P99, "us", null, true, source),
                new("runner, process start to listening with its models loaded", runner.Start.TotalMilliseconds, "ms", null, true, "one start, pinned to the same processor"),
                new("runner, resident memory after the requests", runner.ResidentMegabytes, "MB", null, true, "VmRSS of the process"),
                new("Node, resident memory after the requests", node.ResidentMegabytes, "MB", null, true, "VmRSS of the process"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task TakeTurnsAsync(int cpu, Timed[] turns, CancellationToken cancellationToken)
    {
        for (int round = 0; round < Rounds; round++)
        {
            foreach (Timed timed in turns)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await PinnedThread.RunAsync(cpu, () => timed.Round());
            }
        }
    }

    /// <summary>One way to ask, and how long its rounds took.</summary>
    private sealed class Timed(Action act)
    {
        private readonly List<double> _p50 = [];
        private readonly List<double> _p99 = [];

        public double P50 => Median(_p50);

        public double P99 => Median(_p99);

        public int Round()
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
            _p50.Add(Micros(ticks, 0.50));
            _p99.Add(Micros(ticks, 0.99));
            return ticks.Length;
        }

        private static double Micros(long[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))] * 1e6 / Stopwatch.Frequency;

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
