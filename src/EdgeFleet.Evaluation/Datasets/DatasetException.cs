namespace EdgeFleet.Evaluation.Datasets;

/// <summary>Data that is missing, broken or of another shape than asked for. The message names the file, the value and what to do.</summary>
public sealed class DatasetException : IOException
{
    public DatasetException()
    {
    }

    public DatasetException(string message)
        : base(message)
    {
    }

    public DatasetException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
