namespace EdgeFleet.Evaluation.Documents;

/// <summary>A file that a person wrote says something it cannot mean. The message has the file, the line, the key and what is allowed.</summary>
public sealed class DocumentException : FormatException
{
    public DocumentException()
    {
    }

    public DocumentException(string message)
        : base(message)
    {
    }

    public DocumentException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
