using System.CommandLine;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Artifacts;

/// <summary><c>edgefleet artifact sign|push|list|show|verify</c>.</summary>
internal static class ArtifactCommand
{
    public static Command Create() => new("artifact", "Signed bundles: what may run on the fleet.")
    {
        SignCommand.Create(), CreatePush(), CreateList(), CreateShow(), CreateVerify(),
    };

    private static Command CreatePush()
    {
        Argument<DirectoryInfo> folder = new("bundle") { Description = "Folder made by 'artifact sign'." };
        Option<string?> overrideReason = new("--override")
        {
            Description = "Publish although the evidence is missing or says no; the reason goes to the audit log under your name.",
        };
        Command command = new("push", """
            Publish a bundle to the controller. Evidence that did not pass, or is about other files, is refused; only the
            first artifact of a model needs none. Only files that the controller does not have yet are sent.
            """) { folder, overrideReason };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            BundleFolder bundle = BundleFolder.Open(parsed.GetRequiredValue(folder).FullName);
            if (await bundle.FirstMismatchAsync(cancellationToken) is { } mismatch)
            {
                throw new CommandFailedException(ExitCode.VerdictIsNo, $"bundle '{bundle.Path}': {mismatch}");
            }
            using ControllerClient controller = ControllerConnection.Open(parsed);
            foreach (ArtifactFile file in bundle.Manifest.Files)
            {
                if (await controller.ExistsAsync($"content/{file.Sha256.Hex}", cancellationToken))
                {
                    output.Note($"{file.Path}: already there");
                    continue;
                }
                await controller.PutFileAsync($"content/{file.Sha256.Hex}", bundle.FilePath(file), cancellationToken);
                output.Note($"{file.Path}: {file.SizeBytes} bytes sent");
            }
            JsonObject body = new()
            {
                ["envelope"] = JsonNode.Parse(bundle.Envelope.ToBytes()),
                // As text: its digest is signed, so the controller needs the exact bytes.
                ["evidence"] = bundle.EvidencePath is { } path ? await File.ReadAllTextAsync(path, cancellationToken) : null,
                ["overrideReason"] = parsed.GetValue(overrideReason),
            };
            JsonNode reply = await controller.PostAsync("artifacts", body, cancellationToken);
            if (reply["warning"]?.GetValue<string>() is { } warning)
            {
                output.Note($"warning: {warning}");
            }
            output.Line($"published {bundle.Manifest.Model} {bundle.Manifest.Version} {bundle.Digest}");
            output.Json(reply);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Option<string?> model = new("--model", "-m") { Description = "Only this model." };
        Command command = new("list", "List published artifacts, newest first.") { model };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonArray items = (await controller.GetAsync("artifacts", cancellationToken)).Items();
            List<JsonNode> shown = [.. items.OfType<JsonNode>().Where(item => parsed.GetValue(model) is not { } name || item.Text("model") == name)];
            output.Table(["MODEL", "VERSION", "DIGEST", "SIZE", "EVIDENCE", "CREATED"], shown.Select(item => new[]
            {
                item.Text("model"), item.Text("version"), item.Text("digest"), item.Text("sizeBytes"), Evidence(item), item.Text("createdAt"),
            }));
            output.Json(new JsonArray([.. shown.Select(item => item.DeepClone())]));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>A verdict that was overridden is none, and only a model's first artifact may be without one.</summary>
    private static string Evidence(JsonNode item) => (item.Text("verdict"), item["overrideReason"]) switch
    {
        ("-", null) => "first",
        ("-", _) => "none,overridden",
        (var verdict, null) => verdict,
        (var verdict, _) => $"{verdict},overridden",
    };

    private static Command CreateShow()
    {
        Argument<string> digest = new("digest") { Description = "sha256:… or a bundle folder." };
        Command command = new("show", "Show an artifact: its manifest, evidence and where it is used.") { digest };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            using ControllerClient controller = ControllerConnection.Open(parsed);
            JsonNode item = await controller.GetAsync($"artifacts/{ArtifactReference.Resolve(parsed.GetRequiredValue(digest))}", cancellationToken);
            output.Line(item.ToJsonString(JsonReading.Indented));
            output.Json(item);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateVerify()
    {
        Argument<string> what = new("bundle") { Description = "A bundle folder, or the digest of a published artifact." };
        Option<FileInfo[]> keys = new("--key") { Description = "A public release key that is trusted (FILE.pub); repeat for more.", Required = true };
        Command command = new("verify", "Check signature, manifest and every file's digest, as a device does.") { what, keys };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Output output = Output.Of(parsed);
            ReleaseKeyRing ring = ReleaseKeyRing.FromPem(parsed.GetRequiredValue(keys).Select(key => File.ReadAllText(key.FullName)));
            string target = parsed.GetRequiredValue(what);
            (DsseEnvelope envelope, string? mismatch) = Directory.Exists(target)
                ? await OpenFolderAsync(target, cancellationToken)
                : (await FetchAsync(parsed, target, cancellationToken), null);
            string? problem = envelope.Verify(ArtifactManifest.PayloadType, ring) is VerificationResult.Rejected rejected ? rejected.Detail : mismatch;
            Digest digest = Digest.Of(envelope.Payload.Span);
            output.Line(problem is null ? $"{digest}: good" : $"{digest}: {problem}");
            output.Json(new JsonObject { ["digest"] = digest.ToString(), ["verified"] = problem is null, ["problem"] = problem });
            return problem is null ? ExitCode.Done : ExitCode.VerdictIsNo;
        });
        return command;
    }

    private static async Task<(DsseEnvelope, string?)> OpenFolderAsync(string folder, CancellationToken cancellationToken)
    {
        BundleFolder bundle = BundleFolder.Open(folder);
        return (bundle.Envelope, await bundle.FirstMismatchAsync(cancellationToken));
    }

    private static async Task<DsseEnvelope> FetchAsync(ParseResult parsed, string text, CancellationToken cancellationToken)
    {
        using ControllerClient controller = ControllerConnection.Open(parsed);
        return DsseEnvelope.Parse(await controller.GetBytesAsync($"artifacts/{Digest.Parse(text)}/manifest", cancellationToken));
    }
}
