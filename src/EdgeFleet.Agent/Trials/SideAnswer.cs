using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Trials;

/// <summary>One run of one model.</summary>
/// <param name="Outputs">Null where it failed.</param>
/// <param name="Ticks">Stopwatch ticks.</param>
internal readonly record struct SideAnswer(IReadOnlyList<Tensor>? Outputs, long Ticks)
{
    public bool AllFinite => Outputs?.All(output => TensorChecks.AllFinite(output.ElementType, output.Data.Span)) ?? false;

    public static SideAnswer Of(LoadedModel model, IReadOnlyList<Tensor> inputs)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<Tensor> outputs = model.Run(inputs);
            return new SideAnswer(outputs, Stopwatch.GetTimestamp() - start);
        }
        catch (InferenceException)
        {
            // Counted by the judge; the worker goes on with the next input.
            return default;
        }
    }
}
