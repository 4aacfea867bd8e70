using EdgeFleet.Compression.Recipes;

namespace EdgeFleet.Compression.Passes;

/// <summary>
/// One way to change a model. A pass is one file in this folder with a parameterless constructor; being there is enough to
/// be known to recipes. It changes the graph of its context and writes down each decision, also where it leaves a node alone.
/// </summary>
public interface ICompressionPass
{
    /// <summary>What a recipe calls it; never changes its meaning once released.</summary>
    string Id { get; }

    string Summary { get; }

    IReadOnlyList<PassParameter> Parameters { get; }

    /// <summary>Why this model cannot be treated, as a sentence, or null. Called before <see cref="Apply"/>; changes nothing.</summary>
    string? WhyNot(PassContext context, PassSettings settings);

    void Apply(PassContext context, PassSettings settings);
}
