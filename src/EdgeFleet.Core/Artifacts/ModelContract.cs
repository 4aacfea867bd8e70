namespace EdgeFleet.Core.Artifacts;

/// <summary>
/// One named tensor of a model. <paramref name="ElementType"/> is the Open Inference Protocol's name (FP32, UINT8, INT64, …);
/// a dimension is a number, -1 for one that is free, in the order of the ONNX graph.
/// </summary>
public sealed record TensorSpec(string Name, string ElementType, IReadOnlyList<long> Shape)
{
    public bool Equals(TensorSpec? other) =>
        other is not null && Name == other.Name && ElementType == other.ElementType && Shape.SequenceEqual(other.Shape);

    public override int GetHashCode() => HashCode.Combine(Name, ElementType, Shape.Count);

    public override string ToString() => $"{Name}:{ElementType}[{string.Join(',', Shape)}]";
}

/// <summary>
/// What an application relies on: the names, types and shapes of inputs and outputs, how an input is made and an output read,
/// and the labels. A candidate with another contract is refused unless its manifest names the application versions it needs.
/// </summary>
public sealed record ModelContract(IReadOnlyList<TensorSpec> Inputs, IReadOnlyList<TensorSpec> Outputs)
{
    /// <summary>How a raw input becomes a tensor, in words or as a digest of a preprocessing file; compared as text.</summary>
    public string? Preprocessing { get; init; }

    /// <summary>How the output is read (for example <c>argmax over output 0</c>); compared as text.</summary>
    public string? Postprocessing { get; init; }

    /// <summary>The digest of the label file, where there is one.</summary>
    public Digest? Labels { get; init; }

    /// <summary>Names the first difference between two contracts, or null when an application can use either.</summary>
    public string? FirstDifference(ModelContract other)
    {
        return Compare("input", Inputs, other.Inputs)
            ?? Compare("output", Outputs, other.Outputs)
            ?? Compare("preprocessing", Preprocessing, other.Preprocessing)
            ?? Compare("postprocessing", Postprocessing, other.Postprocessing)
            ?? Compare("labels", Labels?.ToString(), other.Labels?.ToString());
    }

    public bool Equals(ModelContract? other) => other is not null && FirstDifference(other) is null;

    public override int GetHashCode() => HashCode.Combine(Inputs.Count, Outputs.Count, Preprocessing, Postprocessing, Labels);

    private static string? Compare(string what, IReadOnlyList<TensorSpec> mine, IReadOnlyList<TensorSpec> theirs)
    {
        if (mine.Count != theirs.Count)
        {
            return $"{mine.Count} {what}(s) against {theirs.Count}";
        }
        for (int i = 0; i < mine.Count; i++)
        {
            if (!mine[i].Equals(theirs[i]))
            {
                return $"{what} {i}: {mine[i]} against {theirs[i]}";
            }
        }
        return null;
    }

    private static string? Compare(string what, string? mine, string? theirs) =>
        mine == theirs ? null : $"{what}: '{mine ?? "none"}' against '{theirs ?? "none"}'";
}
