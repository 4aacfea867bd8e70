using System.CommandLine;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Applications;

/// <summary><c>edgefleet-agent file-mode</c>: which models an application on this device loads itself.</summary>
public static class FileModeCommand
{
    private const string Restart = "restart edgefleet-agent run for it to take effect";

    public static Command Create() => new(
        "file-mode",
        "Models whose files an application on this device loads itself (its own ONNX Runtime, TensorRT, DeepStream). The agent points "
        + "STATE/models/MODEL/current at the verified files, runs a hook, and judges the probation by what the application says on STATE/file-mode/health.sock.")
    {
        CreateSet(), CreateUnset(), CreateList(),
    };

    private static Command CreateSet()
    {
        FileModeEntry d = new() { Model = "", Hook = "" };
        Argument<string> model = new("MODEL") { Description = "The model." };
        Option<string> state = CommandOptions.State();
        Option<string> hook = new("--hook")
        {
            Description = "The program that tells the application of new files, an absolute path. It is run without a shell, with EDGEFLEET_MODEL, EDGEFLEET_DIGEST, EDGEFLEET_PATH, "
                + "EDGEFLEET_PREVIOUS_DIGEST, EDGEFLEET_PREVIOUS_PATH, EDGEFLEET_CURRENT and EDGEFLEET_HEALTH_SOCKET; another exit code than 0 fails the activation. It may be run twice for one digest.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string[]> arguments = new("--hook-argument") { Description = "An argument of the hook. May be given several times.", HelpName = "TEXT", DefaultValueFactory = _ => [] };
        Option<int?> seconds = CommandOptions.Whole("--hook-seconds", $"How long the hook may take; then it is ended and the activation has failed. Default: {d.HookSeconds}.", 1, FileModeEntry.LongestHookSeconds);
        Option<int?> silent = CommandOptions.Whole(
            "--silent-seconds", $"How long the application may say nothing of the model that it should have loaded; a probation then ends with a rollback. Default: {d.SilentSeconds}.", 1, FileModeEntry.LongestSilenceSeconds);
        Command command = new("set", "Put a model into file mode, or change its hook.") { model, state, hook, arguments, seconds, silent };
        command.SetAction(parsed => Act(parsed.GetValue(state)!, folder =>
        {
            string file = parsed.GetValue(hook)!;
            FileModeEntry entry = new()
            {
                Model = Identifier.Require("model", parsed.GetValue(model)),
                Hook = Path.IsPathRooted(file) ? file : throw new FormatException($"--hook '{file}': expected an absolute path; the agent runs in another folder"),
                Arguments = parsed.GetValue(arguments)!,
                HookSeconds = parsed.GetValue(seconds) ?? d.HookSeconds,
                SilentSeconds = parsed.GetValue(silent) ?? d.SilentSeconds,
            };
            if (!File.Exists(file) || (File.GetUnixFileMode(file) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == 0)
            {
                throw new FormatException($"--hook '{file}': there is no such program, or it may not be executed");
            }
            DurableDirectory.Create(folder.Files, folder.FileMode);
            entry.Write(folder);
            Console.Out.WriteLine($"model '{entry.Model}' is in file mode; {Restart}");
        }));
        return command;
    }

    private static Command CreateUnset()
    {
        Argument<string> model = new("MODEL") { Description = "The model." };
        Option<string> state = CommandOptions.State();
        Command command = new("unset", "Let the runner serve the model again.") { model, state };
        command.SetAction(parsed => Act(parsed.GetValue(state)!, folder =>
        {
            string name = Identifier.Require("model", parsed.GetValue(model));
            FileModeEntry.Remove(folder, name);
            Console.Out.WriteLine($"model '{name}' is not in file mode; {Restart}");
        }));
        return command;
    }

    private static Command CreateList()
    {
        Option<string> state = CommandOptions.State();
        Command command = new("list", "The models in file mode, with their hooks.") { state };
        command.SetAction(parsed => Act(parsed.GetValue(state)!, folder =>
        {
            StateFolder reading = new(folder.Root, new ReadOnlyFileStore(folder.Files));
            foreach (string model in FileModeEntry.Models(reading.Files, reading.FileMode))
            {
                Console.Out.WriteLine(FileModeEntry.Read(reading, model, out string reason) is { } entry
                    ? FormattableString.Invariant($"{model}: {string.Join(' ', [entry.Hook, .. entry.Arguments])} (within {entry.HookSeconds} s; silent after {entry.SilentSeconds} s)")
                    : $"{model}: {reason}");
            }
        }));
        return command;
    }

    private static int Act(string path, Action<StateFolder> act)
    {
        try
        {
            StateFolder state = new(Path.GetFullPath(path), LinuxFileStore.Instance);
            if (!Directory.Exists(state.Root))
            {
                throw new FormatException($"--state '{path}' does not exist; edgefleet-agent enroll makes a device's state folder");
            }
            act(state);
            return ExitCodes.Done;
        }
        catch (FormatException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WrongUsage;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WorldFailed;
        }
    }
}
