namespace EdgeFleet.Onnx;

/// <summary>A file that is not an ONNX model, or one that contradicts itself. The message names the thing and the value.</summary>
public sealed class InvalidModelException : FormatException
{
    public InvalidModelException()
    {
    }

    public InvalidModelException(string message)
        : base(message)
    {
    }

    public InvalidModelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
