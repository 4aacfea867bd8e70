using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.Sources;

/// <summary>What a model's slot says: the digest to serve, and those to fall back to in order.</summary>
internal sealed record WantedModel(string Model, Digest Active, IReadOnlyList<Digest> Fallbacks);

/// <summary>Where a digest's model file is, and the contract that was signed for it, where there is one.</summary>
internal sealed record ModelFile(string Path, ModelContract? Contract);

/// <summary>Where the runner learns what to serve. It reads only.</summary>
internal interface IModelSource
{
    /// <summary>The models that should be served now.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    IReadOnlyList<string> List();

    /// <exception cref="ModelSourceException">The model's slot cannot be read.</exception>
    WantedModel Read(string model);

    /// <exception cref="ModelSourceException">The artifact is not there or not whole.</exception>
    ModelFile Find(string model, Digest digest);
}

/// <summary>State that the runner needs is missing or damaged. The message names the file.</summary>
internal sealed class ModelSourceException(string message, Exception? inner = null) : Exception(message, inner);
