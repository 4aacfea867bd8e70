using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Keys;

/// <summary><c>edgefleet keys create|trust|list</c>: the release key, whose signature lets an artifact run on the fleet.</summary>
internal static class KeysCommand
{
    private const string PassphraseVariable = "EDGEFLEET_KEY_PASSPHRASE";

    /// <summary>The passphrase of release keys on this machine; null when they are not encrypted.</summary>
    public static string? Passphrase => Environment.GetEnvironmentVariable(PassphraseVariable) is { Length: > 0 } value ? value : null;

    public static Command Create()
    {
        Option<FileInfo> file = new("--out") { Description = "File for the private key; the public key goes beside it as FILE.pub.", Required = true };
        Command create = new("create", $"""
            Make a release key (ECDSA P-256). Keep the private file with the people who release, away from the controller;
            give FILE.pub to the controller ('edgefleet keys trust', or DATA/trust) before devices enrol. With {PassphraseVariable} set, the private key is encrypted.
            """) { file };
        create.SetAction(parsed =>
        {
            Output output = Output.Of(parsed);
            string path = parsed.GetRequiredValue(file).FullName;
            if (File.Exists(path))
            {
                throw new CommandFailedException(ExitCode.WrongUsage, $"'{path}' exists; a release key is never overwritten");
            }
            using ReleaseKey key = ReleaseKey.Create();
            using (FileStream stream = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            using (StreamWriter writer = new(stream))
            {
                writer.WriteLine(key.ToPem(Passphrase));
            }
            File.WriteAllText(path + ".pub", key.PublicPem() + "\n");
            output.Line($"release key {key.KeyId[..12]} written to {path}; public key in {path}.pub");
            output.Json(new JsonObject { ["keyId"] = key.KeyId, ["privateKey"] = path, ["publicKey"] = path + ".pub" });
            return ExitCode.Done;
        });
        return new Command("keys", "Release keys: what they sign may run on the fleet.") { create, CreateTrust(), CreateList() };
    }

    private static Command CreateTrust()
    {
        Argument<FileInfo> file = new("file") { Description = "A public release key (FILE.pub)." };
        Command command = new("trust", """
            Let the controller publish what this key signed. Devices learn the release keys when they enrol: those that are
            enrolled already go on refusing what the new key signs until they enrol anew.
            """) { file };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            string pem = await File.ReadAllTextAsync(parsed.GetRequiredValue(file).FullName, cancellationToken);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode reply = await controller.PostAsync("release-keys", new JsonObject { ["publicKeyPem"] = pem }, cancellationToken);
            output.Line($"trusted: {reply.Text("keyId")}");
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Command command = new("list", "List the release keys whose signature lets an artifact be published.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonArray keys = (await controller.GetAsync("release-keys", cancellationToken)).Items();
            output.Table(["KEY"], keys.OfType<JsonNode>().Select(key => new[] { key.Text("keyId") }));
            output.Json(keys.DeepClone());
            return ExitCode.Done;
        });
        return command;
    }
}
