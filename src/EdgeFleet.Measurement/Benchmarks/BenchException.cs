namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>A benchmark has no result because of one of its models. The message names the file.</summary>
public sealed class BenchException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public const string ModelNotLoaded = "ModelNotLoaded";
    public const string ModelFailed = "ModelFailed";
    public const string ContractChanged = "ContractChanged";
    /// <summary>It answered with what is no number.</summary>
    public const string NonFinite = "NonFinite";
    /// <summary>Its process was ended by a signal.</summary>
    public const string Crashed = "Crashed";
    /// <summary>Its process took more memory than it may, or the kernel ended it for memory.</summary>
    public const string OutOfMemory = "OutOfMemory";
    /// <summary>It did not answer in time.</summary>
    public const string Hung = "Hung";
    /// <summary>Something else than a model is at fault: the disk, the kernel, the inputs.</summary>
    public const string WorldFailed = "WorldFailed";

    /// <summary>One of the constants.</summary>
    public string Code { get; } = code;

    /// <summary>Whether it is the baseline that failed: then nothing is said of the candidate.</summary>
    public bool OfBaseline { get; init; }
}
