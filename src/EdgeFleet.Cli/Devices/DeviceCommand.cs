using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Devices;

/// <summary><c>edgefleet device token|list|show|approve|revoke|remove</c>.</summary>
internal static class DeviceCommand
{
    private static readonly Argument<string[]> s_ids = new("device") { Description = "Device ids.", Arity = ArgumentArity.OneOrMore };

    public static Command Create() => new("device", "The devices of the fleet.")
    {
        CreateToken(), CreateList(), CreateShow(), CreateApprove(), CreateRevoke(), CreateRemove(),
    };

    private static Command CreateToken()
    {
        Option<string?> device = new("--device") { Description = "Bind the token to this device id." };
        Option<string?> group = new("--group") { Description = "A group label for all devices that use it." };
        Option<int> count = CheckedOption.Whole("--count", "How many devices it lets in.", 1, 1, 1_000_000);
        Option<TimeSpan?> lifetime = CheckedOption.Duration("--ttl", "How long it is good, such as 15m or 12h.", TimeSpan.FromMinutes(15));
        Option<bool> approve = new("--auto-approve") { Description = "No operator has to approve the devices that use it." };
        Option<FileInfo?> outFile = new("--out") { Description = "Write the enrolment bundle (address, root, token) to this file, readable only by you." };
        Option<FileInfo[]> releaseKeys = new("--release-key")
        {
            Description = "Public release keys (PEM) for the bundle: the device believes exactly these, and not what the controller names.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true,
        };
        Command command = new("token", """
            Make an enrolment token. The bundle goes onto the device: edgefleet-agent enroll --bundle FILE --state DIR
            """) { device, group, count, lifetime, approve, releaseKeys, outFile };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            JsonArray? pinned = ReadKeys(parsed.GetValue(releaseKeys) ?? []);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode reply = await controller.PostAsync("enrollment-tokens", new JsonObject
            {
                ["deviceId"] = parsed.GetValue(device),
                ["group"] = parsed.GetValue(group),
                ["count"] = parsed.GetValue(count),
                ["ttlSeconds"] = (long)parsed.GetValue(lifetime)!.Value.TotalSeconds,
                ["autoApprove"] = parsed.GetValue(approve),
            }, cancellationToken);
            if (pinned is not null)
            {
                reply["bundle"]!["releaseKeys"] = pinned;
            }
            if (parsed.GetValue(outFile) is { } file)
            {
                await using FileStream stream = new(file.FullName, new FileStreamOptions
                {
                    Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
                await using StreamWriter writer = new(stream);
                await writer.WriteLineAsync(reply["bundle"]?.ToJsonString(JsonReading.Indented));
                output.Line($"bundle for {parsed.GetValue(count)} device(s) written to {file.FullName}, good until {reply.Text("expiresAt")}");
            }
            else
            {
                output.Line(reply["bundle"]?.ToJsonString(JsonReading.Indented) ?? "");
            }
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Read before the token is made: a wrong file must not leave a token behind.</summary>
    private static JsonArray? ReadKeys(FileInfo[] files)
    {
        JsonArray keys = [];
        foreach (FileInfo file in files)
        {
            try
            {
                string pem = File.ReadAllText(file.FullName).Trim();
                ReleaseKeyRing.FromPem([pem]);
                keys.Add(pem);
            }
            catch (Exception ex) when (ex is FormatException or IOException or UnauthorizedAccessException)
            {
                throw new CommandFailedException(ExitCode.WrongUsage, $"--release-key {file.FullName}: {ex.Message}");
            }
        }
        return keys.Count > 0 ? keys : null;
    }

    private static Command CreateList()
    {
        Option<string?> selector = new("--selector", "-l") { Description = "Only devices that match, for example 'site == \"lab\"'." };
        Option<int> limit = CheckedOption.Whole("--limit", "Rows to show, 0 for all; -o json lists all in any case.", 500, 0, int.MaxValue);
        Command command = new("list", "List devices with what they serve.") { selector, limit };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            List<JsonNode> devices = await DeviceListing.AllAsync(controller, parsed.GetValue(selector), cancellationToken);
            output.Table(["DEVICE", "STATE", "ONLINE", "PROBLEM", "HARDWARE CLASS", "SERVES", "GENERATION", "LABELS"], devices.Take(parsed.GetValue(limit) is > 0 and var rows ? rows : devices.Count).Select(item => new[]
            {
                item.Text("id"), item.Text("state"), item.Flag("online") ? "yes" : "no", DeviceListing.Problems(item), item.Text("hardwareClass"),
                DeviceListing.Serves(item), item.Text("generation"), DeviceListing.Labels(item),
            }));
            output.Note(DeviceListing.Summary(devices, parsed.GetValue(limit)));
            output.Json(new JsonArray([.. devices.Select(item => item.DeepClone())]));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateShow()
    {
        Argument<string> id = new("device") { Description = "Device id." };
        Command command = new("show", "Show a device: desired and reported state, deployments, last reports.") { id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode item = await controller.GetAsync($"devices/{Uri.EscapeDataString(parsed.GetRequiredValue(id))}", cancellationToken);
            output.Line(item.ToJsonString(JsonReading.Indented));
            output.Json(item);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateApprove()
    {
        Option<bool> pending = new("--all-pending") { Description = "Every device that waits for approval." };
        Argument<string[]> ids = new("device") { Description = "Device ids.", Arity = ArgumentArity.ZeroOrMore };
        Command command = new("approve", "Let devices that wait for approval into the fleet.") { ids, pending };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            List<string> names = [.. parsed.GetValue(ids) ?? []];
            if (parsed.GetValue(pending))
            {
                names.AddRange((await DeviceListing.AllAsync(controller, null, cancellationToken)).Where(d => d.Text("state") == "pending").Select(d => d.Text("id")));
            }
            else if (names.Count == 0)
            {
                throw new CommandFailedException(ExitCode.WrongUsage, "name the devices to approve, or give --all-pending");
            }
            return await EachAsync(names, output, async name =>
            {
                await controller.PostAsync($"devices/{Uri.EscapeDataString(name)}/approve", null, cancellationToken);
                output.Line($"approved {name}");
            });
        });
        return command;
    }

    private static Command CreateRevoke()
    {
        Option<string> reason = new("--reason") { Description = "Why; goes to the audit log.", Required = true };
        Command command = new("revoke", "Shut devices out at once: their certificates are refused from the next call on.") { s_ids, reason };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            return await EachAsync(parsed.GetRequiredValue(s_ids), output, async name =>
            {
                await controller.PostAsync($"devices/{Uri.EscapeDataString(name)}/revoke", new JsonObject { ["reason"] = parsed.GetValue(reason) }, cancellationToken);
                output.Line($"revoked {name}");
            });
        });
        return command;
    }

    private static Command CreateRemove()
    {
        Command command = new("remove", "Forget devices that were revoked or never approved; their names may enrol again with a new token.") { s_ids };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            return await EachAsync(parsed.GetRequiredValue(s_ids), output, async name =>
            {
                await controller.DeleteAsync($"devices/{Uri.EscapeDataString(name)}", cancellationToken);
                output.Line($"removed {name}");
            });
        });
        return command;
    }

    /// <summary>What the controller refuses for one device is said, and the others have their turn.</summary>
    private static async Task<int> EachAsync(IReadOnlyCollection<string> names, Output output, Func<string, Task> act)
    {
        List<string> done = [];
        int worst = ExitCode.Done;
        foreach (string name in names)
        {
            try
            {
                await act(name);
                done.Add(name);
            }
            catch (CommandFailedException ex) when (ex.InnerException is null && names.Count > 1)
            {
                // An answer, not a controller that is away.
                Output.Problem(ex.Message);
                worst = Math.Max(worst, ex.ExitCode);
            }
        }
        output.Json(new JsonArray([.. done.Select(name => (JsonNode)name)]));
        return worst;
    }
}
