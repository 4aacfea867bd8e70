using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core;
using EdgeFleet.Trust.Enrollment;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Cli.Simulation;

/// <summary><c>edgefleet simulate --devices N</c>: a fleet to try a controller with.</summary>
internal static class SimulateCommand
{
    private static readonly Option<int> s_devices = new("--devices", "-n") { Description = "How many hollow devices.", Required = true };
    private static readonly Option<FileInfo> s_bundle = new("--bundle") { Description = "Enrolment bundle; its token must let that many devices in (device token --count N --auto-approve).", Required = true };
    private static readonly Option<DirectoryInfo?> s_root = new("--root") { Description = "Folder for their state. Default: a temporary one, removed at the end." };
    private static readonly Option<string> s_prefix = new("--prefix") { Description = "Device ids are PREFIX-1, PREFIX-2, …", DefaultValueFactory = _ => "sim" };
    private static readonly Option<int> s_classes = CheckedOption.Whole("--classes", "Hardware classes among them.", 1, 1, 1000);
    private static readonly Option<double> s_ratio = CheckedOption.Number("--latency-ratio", "Modelled: candidate's time over the baseline's.", 0.9, 0.001, 1000);
    private static readonly Option<double> s_disagreement = CheckedOption.Number("--disagreement", "Modelled: share of inputs on which the candidate answers differently.", 0.002, 0, 1);
    private static readonly Option<TimeSpan?> s_for = CheckedOption.Duration("--for", "End after this time, such as 10m. Default: at Ctrl+C.");

    public static Command Create()
    {
        Command command = new("simulate", """
            Run hollow devices against a controller: the agent's own sync, state table and outbox over the real protocols, with
            certificates of their own. Hardware and inference are modelled, and every figure that comes from them says so.
              edgefleet device token --count 1000 --auto-approve --out sim.json
              edgefleet simulate --devices 1000 --bundle sim.json
            """) { s_devices, s_bundle, s_root, s_prefix, s_classes, s_ratio, s_disagreement, s_for };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        int count = parsed.GetRequiredValue(s_devices);
        int classes = parsed.GetValue(s_classes);
        if (count < 1)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"--devices {count}: at least 1");
        }
        if (!Identifier.IsValid($"{parsed.GetRequiredValue(s_prefix)}-{count}"))
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"--prefix '{parsed.GetRequiredValue(s_prefix)}': device ids are made of it; expected {Identifier.Rule}");
        }
        EnrollmentBundle bundle = EnrollmentBundle.FromBytes(await File.ReadAllBytesAsync(parsed.GetRequiredValue(s_bundle).FullName, cancellationToken));
        DirectoryInfo root = parsed.GetValue(s_root) ?? Directory.CreateTempSubdirectory("edgefleet-simulate-");
        HollowBehaviour behaviour = new() { LatencyRatio = parsed.GetValue(s_ratio), Disagreement = parsed.GetValue(s_disagreement) };
        using ILoggerFactory loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (parsed.GetValue(s_for) is { } duration)
        {
            end.CancelAfter(duration);
        }
        try
        {
            await using HollowFleet fleet = new(bundle, root.FullName, behaviour, classes, loggers);
            await FollowAsync(fleet, fleet.StartAsync(count, parsed.GetRequiredValue(s_prefix), end.Token), count, output, end.Token);
            output.Json(new JsonObject { ["devices"] = count, ["enrolled"] = fleet.Enrolled, ["connected"] = fleet.Connected });
        }
        finally
        {
            if (parsed.GetValue(s_root) is null)
            {
                root.Delete(recursive: true);
            }
        }
        return ExitCode.Done;
    }

    private static async Task FollowAsync(HollowFleet fleet, Task starting, int count, Output output, CancellationToken cancellationToken)
    {
        string last = "";
        try
        {
            while (true)
            {
                string line = string.Create(CultureInfo.InvariantCulture, $"{fleet.Enrolled} of {count} enrolled, {fleet.Connected} connected");
                if (line != last)
                {
                    output.Note(line);
                    last = line;
                }
                if (starting.IsCompleted)
                {
                    await starting;
                }
                if (fleet.Ended is { } ended)
                {
                    await ended;
                    throw new CommandFailedException(ExitCode.WorldFailed, "a simulated device ended by itself");
                }
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to end.
            output.Note("the simulated devices go");
        }
    }
}
