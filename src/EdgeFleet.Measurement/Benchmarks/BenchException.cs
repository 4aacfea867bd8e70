namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>A benchmark has no result because of one of its models. The message names the file.</summary>
public sealed class BenchException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public const string ModelNotLoaded = "ModelNotLoaded";
    public const string ModelFailed = "ModelFailed";
    public const string ContractChanged = "ContractChanged";

    /// <summary>One of the constants.</summary>
    public string Code { get; } = code;
}
