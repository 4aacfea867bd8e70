namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>A model that is no classifier of these rows. The message names the model, the input or output and both shapes.</summary>
public sealed class ModelMismatchException : FormatException
{
    public ModelMismatchException()
    {
    }

    public ModelMismatchException(string message)
        : base(message)
    {
    }

    public ModelMismatchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
