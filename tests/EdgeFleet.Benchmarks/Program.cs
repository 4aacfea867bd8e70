using System.Globalization;
using System.Text.Json;
using EdgeFleet.Benchmarks;

// bench [NAME…] or evidence [NAME…]. Both write below artifacts/ and print a table; neither is a test, because a figure of a
// shared machine proves nothing by itself. Ratios are taken within one run.
using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

if (args is [EdgeFleet.Measurement.Hosts.ModelHost.Command])
{
    return EdgeFleet.Measurement.Hosts.ModelHost.Run();
}

if (args is [EdgeFleet.Benchmarks.Grpc.StreamServer.Command])
{
    return await EdgeFleet.Benchmarks.Grpc.StreamServer.RunAsync(stop.Token);
}

if (args is [EdgeFleet.Benchmarks.Mqtt.IdleSessions.Command])
{
    return await EdgeFleet.Benchmarks.Mqtt.IdleSessions.RunAsync(stop.Token);
}

if (args is [EdgeFleet.Benchmarks.Measuring.LoopProcess.Command, var model, var seed, var warmUp])
{
    return EdgeFleet.Benchmarks.Measuring.LoopProcess.Run(model, ulong.Parse(seed, CultureInfo.InvariantCulture), int.Parse(warmUp, CultureInfo.InvariantCulture));
}

string kind = args.FirstOrDefault() ?? "bench";
if (kind is not ("bench" or "evidence"))
{
    Console.Error.WriteLine($"'{kind}' is neither bench nor evidence");
    return 2;
}
IReadOnlyList<Measurement> all = kind == "bench" ? Registry.Benchmarks : Registry.Evidence;
List<Measurement> chosen = [.. all.Where(m => args.Length <= 1 || args.Skip(1).Contains(m.Name))];
if (chosen.Count == 0)
{
    Console.Error.WriteLine($"no such measurement; there are: {string.Join(", ", all.Select(m => m.Name))}");
    return 2;
}

string folder = Path.Combine(Checkout.Root, "artifacts", kind);
Directory.CreateDirectory(folder);
JsonSerializerOptions indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
int failed = 0, missed = 0;
foreach (Measurement measurement in chosen)
{
    Console.WriteLine($"== {measurement.Name}: {measurement.What}");
    try
    {
        IReadOnlyList<BenchFigure> figures = await measurement.Run(stop.Token);
        foreach (BenchFigure figure in figures)
        {
            string mark = figure.Target is null ? "" : figure.Reached ? "reached" : "NOT reached";
            missed += figure.Target is null || figure.Reached ? 0 : 1;
            Console.WriteLine($"   {figure.Name,-58} {figure.Value,12:0.###} {figure.Unit,-10} {figure.Target,-12} {mark}");
        }
        await File.WriteAllTextAsync(Path.Combine(folder, $"{measurement.Name}.json"), JsonSerializer.Serialize(figures, indented), stop.Token);
    }
    catch (Exception ex) when (ex is IOException or InvalidOperationException or TimeoutException or HttpRequestException)
    {
        Console.Error.WriteLine($"   could not be measured: {ex.Message}");
        failed++;
    }
}
Console.WriteLine($"written to {Path.GetRelativePath(Checkout.Root, folder)}/");
// A benchmark's target is missed on a busy machine too; evidence that misses a bar is evidence against us.
return failed > 0 ? 3 : kind == "evidence" && missed > 0 ? 1 : 0;
