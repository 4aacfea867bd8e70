using System.CommandLine;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>A coarse pass over other settings: one at a time, the rest as asked for.</summary>
internal static class SweepOptions
{
    private static readonly string[] s_dimensions = ["batch", "threads", "arena", "spinning", "provider"];
    private static readonly Option<string[]> s_sweep = CreateSweep();
    private static readonly Option<double[]> s_rates = new("--rate") { Description = "Requests per second that arrive at random, timed from when each was meant to start; may be given several times. Waiting for the next burns a core.", HelpName = "PER SECOND", AllowMultipleArgumentsPerToken = true };

    public static IReadOnlyList<Option> All { get; } = [s_sweep, s_rates];

    public static IReadOnlyList<SweepPoint> Of(ParseResult parsed, SessionChoice session)
    {
        List<SweepPoint> points = [];
        foreach (string dimension in parsed.GetValue(s_sweep) ?? [])
        {
            points.AddRange(Values(dimension, session).Select(choice => new SweepPoint { Session = choice }));
        }
        foreach (double rate in parsed.GetValue(s_rates) ?? [])
        {
            points.Add(rate is > 0 and <= 1e6
                ? new SweepPoint { Session = session, RequestsPerSecond = rate }
                : throw new CommandFailedException(ExitCode.WrongUsage, FormattableString.Invariant($"--rate {rate}: requests per second lie above 0 and up to 1000000")));
        }
        return [.. points.Distinct()];
    }

    private static IEnumerable<SessionChoice> Values(string dimension, SessionChoice session) => dimension switch
    {
        "batch" => new long[] { 1, 2, 4, 8 }.Select(size => session with { FreeDimension = size }),
        "threads" => Enumerable.Range(1, Environment.ProcessorCount).Select(threads => session with { Threads = threads }),
        "arena" => [session with { Arena = true }, session with { Arena = false }],
        "spinning" => [session with { Spinning = false, Threads = Environment.ProcessorCount }, session with { Spinning = true, Threads = Environment.ProcessorCount }],
        _ => InferenceRuntime.Providers.Select(provider => session with { Provider = provider }),
    };

    private static Option<string[]> CreateSweep()
    {
        Option<string[]> option = new("--sweep")
        {
            Description = $"Also try other settings, a few seconds each, one dimension at a time: {string.Join(", ", s_dimensions)}. Says where to look, claims no difference.",
            AllowMultipleArgumentsPerToken = true,
        };
        option.AcceptOnlyFromAmong(s_dimensions);
        return option;
    }
}
