namespace EdgeFleet.Rollouts.Specs;

/// <summary>What reading a document found: the errors, and the shape of every key that was asked for.</summary>
internal sealed class SpecReaderLog
{
    private readonly List<SpecError> _errors = [];
    private readonly Dictionary<string, FieldShape> _shapes = new(StringComparer.Ordinal);

    public IReadOnlyList<SpecError> Errors => _errors;

    public IReadOnlyCollection<FieldShape> Shapes => _shapes.Values;

    public void Add(SpecError error) => _errors.Add(error);

    public void Declare(FieldShape shape) => _shapes.TryAdd(shape.Path, shape);
}
