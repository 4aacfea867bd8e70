using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Keys;

/// <summary><c>edgefleet keys create</c>: the release key, whose signature lets an artifact run on the fleet.</summary>
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
            give FILE.pub to the controller (DATA/trust). With {PassphraseVariable} set, the private key is encrypted.
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
        return new Command("keys", "Release keys: what they sign may run on the fleet.") { create };
    }
}
