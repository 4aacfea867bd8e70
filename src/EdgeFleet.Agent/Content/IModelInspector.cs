using EdgeFleet.Core.Artifacts;
using EdgeFleet.Onnx.Scanning;

namespace EdgeFleet.Agent.Content;

/// <summary>Looks at an untrusted model before any runtime does.</summary>
public interface IModelInspector
{
    /// <param name="folder">Holds exactly the manifest's files.</param>
    ScanResult Inspect(string folder, ArtifactManifest manifest);
}

/// <summary>The scanner, on real files.</summary>
public sealed class ScanningInspector : IModelInspector
{
    public ScanResult Inspect(string folder, ArtifactManifest manifest) => ModelScanner.Scan(folder, manifest);
}
