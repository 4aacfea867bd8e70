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
