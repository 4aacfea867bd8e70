namespace EdgeFleet.Compression.Runs;

/// <summary>A recipe does not fit a model, or what came out is not fit to use. The message names the pass and the reason.</summary>
public sealed class CompressionException : Exception
{
    public CompressionException()
    {
    }

    public CompressionException(string message)
        : base(message)
    {
    }

    public CompressionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
