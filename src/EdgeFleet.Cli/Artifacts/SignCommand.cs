using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Keys;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Artifacts;

/// <summary><c>edgefleet artifact sign</c>: a model and what belongs to it become one signed bundle.</summary>
internal static class SignCommand
{
    private static readonly Argument<FileInfo> s_model = new("model") { Description = "The ONNX file; external data beside it comes along." };
    private static readonly Option<string> s_name = new("--model", "-m") { Description = "The model's name on the fleet, for example fashion.", Required = true };
    private static readonly Option<string> s_version = new("--version-name") { Description = "A name for people, for example int8.", DefaultValueFactory = _ => "" };
    private static readonly Option<FileInfo> s_key = new("--key", "-k") { Description = "The private release key (edgefleet keys create).", Required = true };
    private static readonly Option<DirectoryInfo> s_out = new("--out") { Description = "Folder for the bundle.", Required = true };
    private static readonly Option<FileInfo?> s_evidence = new("--evidence", "-e") { Description = "Evidence of edgefleet evaluate; its digest is signed too." };
    private static readonly Option<string?> s_baseline = new("--baseline") { Description = "The artifact that this is a variant of: a digest or a bundle folder. Default: the controller finds the one whose model file the evidence compares with." };
    private static readonly Option<FileInfo?> s_labels = new("--labels") { Description = "A file with the labels, one a line." };
    private static readonly Option<string?> s_preprocessing = new("--preprocessing") { Description = "How an input is made, in words; part of the contract." };
    private static readonly Option<FileInfo?> s_recipe = new("--recipe") { Description = "The recipe that made it; its digest is signed." };
    private static readonly Option<string[]> s_classes = new("--hardware-class") { Description = "Only for this hardware class; repeat for more. Default: any." };

    public static Command Create()
    {
        Command command = new("sign", """
            Make a signed bundle of a model: its files with sizes and digests, its contract (read from the graph), and what it
            was made from. Do this where the release key is; 'artifact push' needs no key.
              edgefleet artifact sign model.onnx -m fashion --version-name int8 -k release.key -e evidence.json --out bundle
            """) { s_model, s_name, s_version, s_key, s_out, s_evidence, s_baseline, s_labels, s_preprocessing, s_recipe, s_classes };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        FileInfo model = parsed.GetRequiredValue(s_model);
        if (!model.Exists)
        {
            throw new FileNotFoundException($"model '{model.FullName}' does not exist");
        }
        Dictionary<string, string> sources = new(StringComparer.Ordinal);
        List<ArtifactFile> files = [await AddAsync(sources, model.FullName, ArtifactRole.Model, cancellationToken)];
        foreach (string external in OnnxModel.Load(model.FullName).ExternalFiles())
        {
            files.Add(await AddAsync(sources, Path.Combine(model.DirectoryName!, external), ArtifactRole.ExternalData, cancellationToken));
        }
        Digest? labels = null;
        if (parsed.GetValue(s_labels) is { } labelFile)
        {
            files.Add(await AddAsync(sources, labelFile.FullName, ArtifactRole.Labels, cancellationToken));
            labels = files[^1].Sha256;
        }

        // The same scan that every device makes: better refused here, where the person is who can mend it.
        ScanResult scan = ModelScanner.Scan(model.DirectoryName!, model.Name, [.. sources.Keys]);
        if (scan is ScanResult.Rejected rejected)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, $"model '{model.Name}' would be refused by every device: {rejected.Detail}");
        }
        ModelSummary summary = ((ScanResult.Accepted)scan).Model;
        RequireAnswers(model);
        if (parsed.GetValue(s_labels) is { } names)
        {
            RequireLabels(names.FullName, summary.Contract);
        }

        byte[]? evidence = parsed.GetValue(s_evidence) is { } file ? await File.ReadAllBytesAsync(file.FullName, cancellationToken) : null;
        ArtifactManifest manifest = new()
        {
            Model = Identifier.Require("model", parsed.GetRequiredValue(s_name)),
            Version = parsed.GetRequiredValue(s_version),
            Files = files,
            EntryPoint = model.Name,
            Contract = summary.Contract with { Preprocessing = parsed.GetValue(s_preprocessing), Labels = labels },
            Baseline = parsed.GetValue(s_baseline) is { } baseline ? ArtifactReference.Resolve(baseline) : null,
            Evidence = evidence is null ? null : Digest.Of(evidence),
            Recipe = parsed.GetValue(s_recipe) is { } recipe ? Digest.Of(await File.ReadAllBytesAsync(recipe.FullName, cancellationToken)) : null,
            Opset = summary.Opsets.TryGetValue("", out long opset) ? (int)opset : null,
            Runtime = EvidenceRuntime(evidence),
            HardwareClasses = parsed.GetValue(s_classes) ?? [],
            CreatedAt = DateTimeOffset.UtcNow,
        };
        using ReleaseKey key = ReleaseKey.FromPem(await File.ReadAllTextAsync(parsed.GetRequiredValue(s_key).FullName, cancellationToken), KeysCommand.Passphrase);
        BundleFolder bundle = BundleFolder.Write(parsed.GetRequiredValue(s_out).FullName, manifest, sources, key, evidence);

        output.Line($"signed {manifest.Model} {manifest.Version} as {bundle.Digest} with key {key.KeyId[..12]}: {manifest.Files.Count} file(s), {manifest.TotalBytes} bytes");
        output.Json(new JsonObject { ["digest"] = bundle.Digest.ToString(), ["bundle"] = bundle.Path, ["sizeBytes"] = manifest.TotalBytes, ["keyId"] = key.KeyId });
        return ExitCode.Done;
    }

    /// <summary>A runner asks a model one input of its own before it lets applications ask.</summary>
    private static void RequireAnswers(FileInfo model)
    {
        try
        {
            using LoadedModel loaded = LoadedModel.Load(model.FullName);
            loaded.Run(SyntheticInputs.For(loaded.Contract, seed: 1));
        }
        catch (InferenceException ex)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, $"model '{model.Name}' would be refused by every device: {ex.Reason}", ex);
        }
    }

    /// <summary>One line per class: the last dimension of the first output counts them, where it is fixed.</summary>
    private static void RequireLabels(string path, ModelContract contract)
    {
        int lines = File.ReadLines(path).Count(line => line.Trim().Length > 0);
        if (contract.Outputs[0].Shape is [.., > 0 and var classes] && lines != classes)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, $"labels '{path}': {lines} lines for {classes} classes of output '{contract.Outputs[0].Name}'; one label per line");
        }
    }

    private static async Task<ArtifactFile> AddAsync(Dictionary<string, string> sources, string path, ArtifactRole role, CancellationToken cancellationToken)
    {
        string name = Path.GetFileName(path);
        await using FileStream stream = File.OpenRead(path);
        sources[name] = path;
        return new ArtifactFile(name, stream.Length, await Digest.OfAsync(stream, cancellationToken), role);
    }

    /// <summary>The runtime that the evidence was made with; what the devices run is in their own fingerprints.</summary>
    private static string? EvidenceRuntime(byte[]? evidence)
    {
        try
        {
            return evidence is null ? null : JsonNode.Parse(evidence)?["runtime"]?.ToString();
        }
        catch (JsonException ex)
        {
            throw new FormatException($"evidence: {ex.Message}", ex);
        }
    }
}
