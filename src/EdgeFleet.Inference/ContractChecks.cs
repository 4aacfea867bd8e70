using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Inference;

/// <summary>Whether what a session or an output really is fits what was signed for it.</summary>
public static class ContractChecks
{
    /// <summary>
    /// The first input or output of a loaded model that is not what its contract says, or null. A dimension that either
    /// side leaves free fits any; the words about processing are not in the graph and are not compared.
    /// </summary>
    public static string? FirstMismatch(ModelContract signed, ModelContract loaded) =>
        FirstMismatch("input", signed.Inputs, loaded.Inputs) ?? FirstMismatch("output", signed.Outputs, loaded.Outputs);

    /// <summary>
    /// The first input that would be of another size in the two once their free dimensions are set, or null. Such models are
    /// allowed to take each other's place, and a call of the one is no call of the other: their latencies do not compare.
    /// </summary>
    public static string? OtherWork(ModelContract baseline, ModelContract candidate, long freeDimension)
    {
        foreach ((TensorSpec before, TensorSpec after) in baseline.Inputs.Zip(candidate.Inputs))
        {
            long[] one = Set(before), other = Set(after);
            if (!one.SequenceEqual(other))
            {
                long? fixedAt = before.Shape.Zip(after.Shape).Where(pair => pair.First < 0 != pair.Second < 0).Select(pair => (long?)Math.Max(pair.First, pair.Second)).FirstOrDefault();
                return $"input '{before.Name}' is [{string.Join(',', one)}] in the baseline and [{string.Join(',', other)}] in the candidate, so their latencies do not compare"
                    + (fixedAt is { } size ? $"; a free dimension of {size} makes them the same" : "");
            }
        }
        return null;

        long[] Set(TensorSpec spec) => [.. spec.Shape.Select(size => size < 0 ? freeDimension : size)];
    }

    /// <summary>Whether a shape is one that the specification allows; a specification without dimensions allows any.</summary>
    public static bool Allows(TensorSpec spec, IReadOnlyList<long> shape)
    {
        if (spec.Shape.Count == 0)
        {
            return true;
        }
        if (spec.Shape.Count != shape.Count)
        {
            return false;
        }
        for (int i = 0; i < shape.Count; i++)
        {
            if (spec.Shape[i] >= 0 && shape[i] >= 0 && spec.Shape[i] != shape[i])
            {
                return false;
            }
        }
        return true;
    }

    private static string? FirstMismatch(string what, IReadOnlyList<TensorSpec> signed, IReadOnlyList<TensorSpec> loaded)
    {
        if (signed.Count != loaded.Count)
        {
            return $"the contract has {signed.Count} {what}(s), the model has {loaded.Count}";
        }
        for (int i = 0; i < signed.Count; i++)
        {
            if (signed[i].Name != loaded[i].Name || signed[i].ElementType != loaded[i].ElementType || !Allows(signed[i], loaded[i].Shape))
            {
                return $"{what} {i}: the contract says {signed[i]}, the model has {loaded[i]}";
            }
        }
        return null;
    }
}
