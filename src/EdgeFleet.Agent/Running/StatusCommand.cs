using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Linux.Files;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Running;

/// <summary><c>edgefleet-agent status</c>: what this device is, from its folder alone; works while the agent runs and while it does not.</summary>
public static class StatusCommand
{
    public static Command Create()
    {
        Option<string> state = CommandOptions.State();
        Option<string> output = new("--output", "-o") { Description = "text or json.", HelpName = "FORMAT", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        Option<string?> control = CommandOptions.ServeControl();
        Command command = new("status", "Show what this device is and what it is doing.") { state, output, control };
        command.SetAction((parsed, cancellationToken) => ShowAsync(
            new StateFolder(Path.GetFullPath(parsed.GetValue(state)!), new ReadOnlyFileStore(LinuxFileStore.Instance)), parsed.GetValue(output) == "json",
            parsed.GetValue(control), cancellationToken));
        return command;
    }

    private static async Task<int> ShowAsync(StateFolder state, bool json, string? control, CancellationToken cancellationToken)
    {
        try
        {
            if (new IdentityFiles(state).Document is not { } identity)
            {
                Console.Error.WriteLine($"'{state.Root}' is not the folder of an enrolled device");
                return ExitCodes.WorldFailed;
            }
            JsonObject status = Describe(state, identity);
            status["runner"] = await AskRunnerAsync(control ?? state.ControlSocket, cancellationToken).ConfigureAwait(false);
            if (json)
            {
                Console.Out.WriteLine(status.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            }
            else
            {
                Print(status);
            }
            return ExitCodes.Done;
        }
        catch (IOException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WorldFailed;
        }
    }

    private static JsonObject Describe(StateFolder state, EnrollmentDocument identity)
    {
        DesiredStore desired = new(state, NullLogger<DesiredStore>.Instance);
        SlotTable slots = new(state, TimeProvider.System, NullLogger<SlotTable>.Instance);
        DeploymentFiles files = new(state, NullLogger<DeploymentFiles>.Instance);
        IReadOnlyList<string> fileMode = FileModeEntry.Models(state.Files, state.FileMode);
        JsonArray models = [];
        foreach (string model in slots.Models.Union(files.Models).Order(StringComparer.Ordinal))
        {
            ModelSlots? known = slots.Read(model);
            DeploymentRecord? record = files.Load(model);
            models.Add(new JsonObject
            {
                ["model"] = model,
                ["fileMode"] = fileMode.Contains(model),
                ["active"] = known?.Active.ToString(),
                ["previous"] = known?.Previous?.ToString(),
                ["golden"] = known?.Golden?.ToString(),
                ["deployment"] = record is null ? null : new JsonObject
                {
                    ["digest"] = record.Digest.ToString(),
                    ["phase"] = record.Phase.ToString(),
                    ["code"] = record.Code,
                    ["detail"] = record.Detail,
                    ["rollout"] = record.RolloutId,
                    ["attempt"] = record.Attempt,
                },
            });
        }
        return new JsonObject
        {
            ["device"] = identity.DeviceId,
            ["tenant"] = identity.Tenant,
            ["controller"] = identity.Endpoints.DeviceUrl,
            ["certificate"] = Certificate(state),
            ["generation"] = desired.Generation,
            ["running"] = IsRunning(state),
            ["models"] = models,
        };
    }

    /// <summary>Until when the device may show itself, by its own clock; what is damaged there is for enrol and run to say.</summary>
    private static JsonObject? Certificate(StateFolder state)
    {
        if (new IdentityFiles(state).NotAfter is not { } notAfter)
        {
            return null;
        }
        bool ended = notAfter < TimeProvider.System.GetUtcNow();
        return new JsonObject
        {
            ["notAfter"] = notAfter.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["ended"] = ended,
            ["toDo"] = ended ? "nothing while the agent reaches a controller that renews it; where its log says that this is refused, stop it and run: edgefleet-agent enroll --bundle FILE with a new token (the models stay)" : null,
        };
    }

    private static async Task<JsonObject> AskRunnerAsync(string controlSocket, CancellationToken cancellationToken)
    {
        using ControlSocketRunner runner = new(controlSocket);
        try
        {
            await runner.StatusAsync(cancellationToken).ConfigureAwait(false);
            return new JsonObject { ["answers"] = true };
        }
        catch (RunnerAwayException ex)
        {
            return new JsonObject { ["answers"] = false, ["reason"] = ex.Message };
        }
    }

    private static bool IsRunning(StateFolder state)
    {
        if (!File.Exists(state.RunLock))
        {
            return false;
        }
        using FileLease? lease = FileLease.TryAcquire(state.RunLock);
        return lease is null;
    }

    private static void Print(JsonObject status)
    {
        Console.Out.WriteLine($"device      {status["device"]} (tenant {status["tenant"]})");
        Console.Out.WriteLine($"controller  {status["controller"]}");
        Console.Out.WriteLine($"agent       {((bool)status["running"]! ? "running" : "not running")}, desired generation {status["generation"]}");
        bool answers = (bool)status["runner"]!["answers"]!;
        bool needed = status["models"]!.AsArray() is { Count: 0 } || status["models"]!.AsArray().Any(model => !(bool)model!["fileMode"]!);
        Console.Out.WriteLine($"runner      {(answers ? "answers" : needed ? $"AWAY, nothing is served: {status["runner"]!["reason"]}" : "away; every model here is in file mode, so none is missed")}");
        if (status["certificate"] is { } certificate)
        {
            Console.Out.WriteLine($"certificate {((bool)certificate["ended"]! ? "ENDED at" : "good until")} {certificate["notAfter"]}");
            if (certificate["toDo"] is { } toDo)
            {
                Console.Out.WriteLine($"            {toDo}");
            }
        }
        foreach (JsonNode? model in status["models"]!.AsArray())
        {
            Console.Out.WriteLine($"model       {model!["model"]}{((bool)model["fileMode"]! ? " (file mode: its application loads it)" : "")}");
            foreach (string slot in new[] { "active", "previous", "golden" })
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {slot,-9} {model[slot]?.ToString() ?? "-"}"));
            }
            if (model["deployment"] is { } deployment)
            {
                Console.Out.WriteLine($"  deployment of {deployment["digest"]}: {deployment["phase"]} {deployment["code"]} {deployment["detail"]}".TrimEnd());
            }
        }
    }
}
