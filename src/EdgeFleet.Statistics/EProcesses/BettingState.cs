using System.Collections.Immutable;
using System.Text.Json.Serialization;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Everything a betting e-process knows. Small, serialisable and immutable: saved with a verdict, read back, it goes on
/// to the same bits. Observations lie in [0, 1].
/// </summary>
public sealed record BettingState
{
    /// <summary>Which one-sided null is bet against.</summary>
    public required BettingDirection Direction { get; init; }

    /// <summary>The mean m that bounds the null, strictly between 0 and 1.</summary>
    public required double NullMean { get; init; }

    /// <summary>Size of the finite class that is drawn from without replacement; null for an endless population.</summary>
    public int? PopulationSize { get; init; }

    /// <summary>Observations taken so far.</summary>
    public long Count { get; init; }

    /// <summary>Sum of the observations so far.</summary>
    public double Sum { get; init; }

    /// <summary>log wealth of each bet of <see cref="BettingGrid"/>.</summary>
    public required ImmutableArray<double> LogWealth { get; init; }

    /// <summary>Largest log E ever reached (from 0, the value before any data); 1/exp of it is an anytime p-value.</summary>
    public double MaxLogE { get; init; }

    /// <summary>The null can no longer hold whatever the rest of a finite class shows: E is infinite.</summary>
    public bool NullImpossible { get; init; }

    /// <summary>log of the current e-value; positive infinity when the null is impossible.</summary>
    [JsonIgnore]
    public double LogE => NullImpossible ? double.PositiveInfinity : BettingGrid.LogMeanExp(LogWealth.AsSpan());

    /// <summary>Mean of the observations; null before the first.</summary>
    [JsonIgnore]
    public double? Mean => Count == 0 ? null : Sum / Count;

    /// <summary>Anytime p-value: the smallest level at which the null would have been rejected by now.</summary>
    [JsonIgnore]
    public double AnytimeP => NullImpossible ? 0 : PortableMath.Exp(-MaxLogE);

    /// <summary>Whether E has reached 1/alpha now.</summary>
    public bool Rejects(double alpha) => LogE >= PortableMath.Log(1 / alpha);

    public bool Equals(BettingState? other) =>
        other is not null
        && Direction == other.Direction
        && NullMean.Equals(other.NullMean)
        && PopulationSize == other.PopulationSize
        && Count == other.Count
        && Sum.Equals(other.Sum)
        && MaxLogE.Equals(other.MaxLogE)
        && NullImpossible == other.NullImpossible
        && LogWealth.AsSpan().SequenceEqual(other.LogWealth.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Direction, NullMean, PopulationSize, Count, Sum, MaxLogE, NullImpossible);
}
