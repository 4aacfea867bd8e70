namespace EdgeFleet.Core.Artifacts;

/// <summary>The rules that a manifest keeps whoever signed it: a signature says who, not that it is sane.</summary>
internal static class ManifestRules
{
    public static void Check(ArtifactManifest manifest)
    {
        if (manifest.SchemaVersion != ArtifactManifest.CurrentSchemaVersion)
        {
            throw new FormatException($"manifest: schemaVersion {manifest.SchemaVersion} is not known; this build reads {ArtifactManifest.CurrentSchemaVersion}");
        }
        Identifier.Require("manifest: model", manifest.Model);
        if (manifest.Files.Count is 0 or > ArtifactManifest.MaximumFiles)
        {
            throw new FormatException($"manifest: {manifest.Files.Count} files; expected 1 to {ArtifactManifest.MaximumFiles}");
        }

        HashSet<string> paths = new(StringComparer.Ordinal);
        long total = 0;
        foreach (ArtifactFile file in manifest.Files)
        {
            CheckPath(file.Path);
            if (!paths.Add(file.Path))
            {
                throw new FormatException($"manifest: file '{file.Path}' is listed twice");
            }
            if (file.SizeBytes < 0 || file.SizeBytes > ArtifactManifest.MaximumTotalBytes - total)
            {
                throw new FormatException($"manifest: file '{file.Path}': size {file.SizeBytes} is outside 0..{ArtifactManifest.MaximumTotalBytes} bytes for the bundle");
            }
            if (!file.Sha256.IsSet)
            {
                throw new FormatException($"manifest: file '{file.Path}' has no sha256");
            }
            total += file.SizeBytes;
        }
        if (!manifest.Files.Any(file => file.Path == manifest.EntryPoint && file.Role == ArtifactRole.Model))
        {
            throw new FormatException($"manifest: entryPoint '{manifest.EntryPoint}' is not a listed file with role model");
        }
        if (manifest.Contract.Inputs.Count == 0 || manifest.Contract.Outputs.Count == 0)
        {
            throw new FormatException("manifest: the contract needs at least one input and one output");
        }
    }

    /// <summary>A path that stays inside its folder on every system: no root, no '..', no empty part, no control characters.</summary>
    private static void CheckPath(string path)
    {
        bool ok = path.Length is > 0 and <= 255
            && !path.Any(c => char.IsControl(c) || c is '\\' or ':')
            && path.Split('/').All(part => part.Length > 0 && part is not ("." or ".."));
        if (!ok)
        {
            throw new FormatException($"manifest: file path '{Printable(path)}' must be relative, with '/' between names and without '.' or '..'");
        }
    }

    private static string Printable(string text) => string.Concat(text.Take(80).Select(c => char.IsControl(c) ? '?' : c));
}
