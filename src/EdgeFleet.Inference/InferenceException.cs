namespace EdgeFleet.Inference;

/// <summary>A model did not load or did not run, or ONNX Runtime itself is not usable. The message names the file.</summary>
public class InferenceException : Exception
{
    public InferenceException(string message) : base(message) { }

    public InferenceException(string message, Exception inner) : base(message, inner) { }

    /// <summary>What the runtime said, without the place of the file.</summary>
    public string Reason => InnerException?.Message ?? Message;
}

/// <summary>A file is not a model that this runtime can load.</summary>
public sealed class ModelLoadException : InferenceException
{
    public ModelLoadException(string path, string reason, Exception? inner = null)
        : base($"model '{path}': {reason}", inner!) => Path = path;

    public string Path { get; }
}
