using System.Diagnostics;
using EdgeFleet.Inference;
using EdgeFleet.Measurement;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>
/// What a shadow costs the application: the real runner asked at a steady rate, with the real shadow worker at the default
/// sampling, which is stopped and let go on in turns within one run, in an order that a coin says. Time after each change does
/// not count: the runner stops copying inputs some seconds after nobody has asked for them.
/// </summary>
internal static class ShadowTaxBenchmark
{
    private const int Pairs = 12;
    private const double MostPercent = 2;
    private const double WidestPoints = 5;
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_betweenRequests = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_afterChange = TimeSpan.FromSeconds(5.5);
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(2);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string examples = Path.Combine(Checkout.Root, "fleet", "examples", "fashion");
        List<BenchFigure> figures = [.. await MeasureAsync("fashion-resnet8", Path.Join(examples, "fashion_resnet8.onnx"), Path.Join(examples, "fashion_resnet8_v2.onnx"), cancellationToken)];
        // Lies beside some checkouts only. It has one version, so it is its own candidate: the work of a shadow is the same.
        if (SharedFiles.Locate("models/mlperf_vww_mobilenetv1.onnx") is { } vww)
        {
            figures.AddRange(await MeasureAsync("mlperf-vww", vww, vww, cancellationToken));
        }
        return figures;
    }

    private static async Task<IReadOnlyList<BenchFigure>> MeasureAsync(string name, string baseline, string candidate, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        string socket = Path.Join(folder, "infer.sock");
        try
        {
            ServedState.Write(folder, name, baseline);
            await using ServerProcess runner = await ServerProcess.RunnerAsync(folder, socket, Path.Join(folder, "grpc.sock"), cpu: null, cancellationToken);
            await using ShadowProcess shadow = await ShadowProcess.StartAsync(folder, name, baseline, candidate, s_tick, cpus: null, cancellationToken);
            using InferenceClient client = Client(socket, name, baseline);
            SeededCoin coin = new(20261122);
            List<double> off = [], on = [], middleOff = [], middleOn = [];
            bool stopped = false;
            TimeSpan compared = s_afterChange;
            Ask(client, s_afterChange, cancellationToken);
            for (int pair = 0; pair < Pairs; pair++)
            {
                bool first = coin.Flip();
                foreach (bool stop in (bool[])[first, !first])
                {
                    if (stop != stopped)
                    {
                        shadow.Stop(stopped = stop);
                        Ask(client, s_afterChange, cancellationToken);
                        compared += stop ? TimeSpan.Zero : s_afterChange;
                    }
                    compared += stop ? TimeSpan.Zero : s_window;
                    double[] micros = Ask(client, s_window, cancellationToken);
                    (stop ? off : on).Add(At(micros, 0.95));
                    (stop ? middleOff : middleOn).Add(At(micros, 0.50));
                }
            }
            shadow.Stop(stopped: false);
            // What it compared until now is told when its tick is over.
            Ask(client, s_tick * 2, cancellationToken);
            double rate = shadow.Pairs / (compared + (s_tick * 2)).TotalSeconds;
            if (rate < 0.25)
            {
                throw new InvalidOperationException($"the shadow compared {shadow.Pairs} inputs and rested in {shadow.TaxedTicks} ticks: this is no figure of a shadow that runs");
            }
            PairedEstimate tail = PairedEstimate.Of(BlockEstimator.LogRatios(off, on))!, middle = PairedEstimate.Of(BlockEstimator.LogRatios(middleOff, middleOn))!;
            double tax = Percent(tail.Mean), halfWidth = 100 * tail.HalfWidth!.Value;
            // An interval that is wider than the budget itself says nothing, wherever its middle is.
            bool reached = tax <= MostPercent && halfWidth <= WidestPoints;
            string source = $"switchback in one run, {Pairs} pairs of windows of {s_window.TotalSeconds} s in an order by coin, a request each {s_betweenRequests.TotalMilliseconds} ms over a Unix socket, nothing pinned; mean of the pairs' log ratios, 95 % interval by Student's t; the shadow's default sampling (5 %, one pair a second)";
            return
            [
                new($"shadow_tax on the served p95, {name}", tax, "%", $"<= {MostPercent}", reached, $"reached only if the interval is at most +/- {WidestPoints} points; {source}"),
                new("   its interval, from", Percent(tail.Lower!.Value), "%", null, true, source),
                new("   to", Percent(tail.Upper!.Value), "%", null, true, source),
                new($"shadow_tax on the served p50, {name}", Percent(middle.Mean), "%", null, true, source),
                new($"served p95 with the shadow stopped, {name}", off.Order().ElementAt(Pairs / 2), "us", null, true, source),
                new($"pairs that the shadow compared, {name}", rate, "1/s", null, true, $"{shadow.TaxedTicks} ticks in which it rested; {source}"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static InferenceClient Client(string socket, string name, string path)
    {
        using LoadedModel model = LoadedModel.Load(path);
        using PreparedCall call = model.Prepare();
        SyntheticInputs.Fill(call, seed: 1);
        return new InferenceClient(socket, name, call.Inputs[0].Name, call.Inputs[0].Shape, call.Inputs[0].Bytes);
    }

    /// <summary>Asks at a steady rate. A request that is late does not push those after it away.</summary>
    private static double[] Ask(InferenceClient client, TimeSpan duration, CancellationToken cancellationToken)
    {
        List<double> micros = [];
        long begun = Stopwatch.GetTimestamp();
        for (TimeSpan due = TimeSpan.Zero; due < duration; due += s_betweenRequests)
        {
            cancellationToken.ThrowIfCancellationRequested();
            TimeSpan early = due - Stopwatch.GetElapsedTime(begun);
            if (early > TimeSpan.Zero)
            {
                Thread.Sleep(early);
            }
            long start = Stopwatch.GetTimestamp();
            client.Ask();
            micros.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        micros.Sort();
        return [.. micros];
    }

    private static double At(double[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))];

    private static double Percent(double logRatio) => 100 * (Math.Exp(logRatio) - 1);
}
