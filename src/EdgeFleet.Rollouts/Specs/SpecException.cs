namespace EdgeFleet.Rollouts.Specs;

/// <summary>A file cannot be used; carries everything that is wrong with it.</summary>
public sealed class SpecException : Exception
{
    public SpecException(IReadOnlyList<SpecError> errors)
        : base(string.Join(Environment.NewLine, errors)) => Errors = errors;

    public SpecException() => Errors = [];

    public SpecException(string message)
        : base(message) => Errors = [];

    public SpecException(string message, Exception innerException)
        : base(message, innerException) => Errors = [];

    public IReadOnlyList<SpecError> Errors { get; }
}
