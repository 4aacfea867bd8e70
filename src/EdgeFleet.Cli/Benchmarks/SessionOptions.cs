using System.CommandLine;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>How both models' sessions are set up: part of what a figure was measured with.</summary>
internal static class SessionOptions
{
    private static readonly Option<int> s_threads = CheckedOption.Whole("--threads", "Threads of one inference.", 1, 1, 1024);
    private static readonly Option<bool> s_spinning = new("--spinning") { Description = "Let idle threads of a session burn their core after a call. Costs energy and rarely helps." };
    private static readonly Option<bool> s_noArena = new("--no-arena") { Description = "Give memory back after each call: smaller, and often slower." };
    private static readonly Option<string> s_provider = new("--provider")
    {
        Description = "ONNX Runtime's execution provider, such as CUDAExecutionProvider.",
        HelpName = "NAME",
        DefaultValueFactory = _ => new SessionChoice().Provider,
    };
    private static readonly Option<int> s_freeDimension = CheckedOption.Whole("--free-dimension", "What free dimensions are set to; the batch size of most models.", 1, 1, 1 << 20);

    public static readonly Option<string?> Cpus = CreateCpus();

    public static IReadOnlyList<Option> All { get; } = [s_threads, s_spinning, s_noArena, s_provider, s_freeDimension, Cpus];

    public static SessionChoice Of(ParseResult parsed)
    {
        string provider = parsed.GetValue(s_provider)!;
        if (!InferenceRuntime.Providers.Contains(provider))
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"--provider '{provider}': this ONNX Runtime has {string.Join(", ", InferenceRuntime.Providers)}");
        }
        if (parsed.GetValue(Cpus) is { } cpus && ProcessorSet.Parse(cpus).Numbers.Except(ProcessorSet.Allowed().Numbers).ToArray() is { Length: > 0 } beyond)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"--cpus '{cpus}': this process may use {ProcessorSet.Allowed()}, and not {ProcessorSet.Of(beyond)}");
        }
        return new SessionChoice
        {
            Threads = parsed.GetValue(s_threads),
            Spinning = parsed.GetValue(s_spinning),
            Arena = !parsed.GetValue(s_noArena),
            Provider = provider,
            FreeDimension = parsed.GetValue(s_freeDimension),
        };
    }

    private static Option<string?> CreateCpus()
    {
        Option<string?> option = new("--cpus") { Description = "Processors that both models may use, such as 4-7. Without it, those that this process may.", HelpName = "LIST" };
        option.Validators.Add(result =>
        {
            string text = result.Tokens is [var token] ? token.Value : "";
            try
            {
                ProcessorSet.Parse(text);
            }
            catch (FormatException ex)
            {
                result.AddError($"--cpus: {ex.Message}");
            }
        });
        return option;
    }
}
