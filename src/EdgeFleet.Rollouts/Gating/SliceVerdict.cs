using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Inputs of one value of a request parameter.</summary>
public sealed record SliceVerdict
{
    public required string Name { get; init; }
    public required string Value { get; init; }
    public required long Pairs { get; init; }
    public required double DisagreementPercent { get; init; }

    /// <summary>Where harm begins: what the noise is allowed and twice the margin.</summary>
    public required double ThresholdPercent { get; init; }

    /// <summary>log E of "at most that".</summary>
    public required double HarmLogE { get; init; }

    /// <summary>On the list of harmed slices at its false discovery rate; holds a promotion where agreement is asked for.</summary>
    public required bool Harmed { get; init; }

    /// <summary>All slices of a class, the worst first.</summary>
    internal static IReadOnlyList<SliceVerdict> Of(GateInput input, GateScales scales)
    {
        if (input.Ticks is not { Slices.Count: > 0 } ticks)
        {
            return [];
        }
        ILookup<string, double> open = HarmEvidence.Counted(ticks, [.. input.Devices.Where(device => !device.Standing.IsAside())])
            .SelectMany(tick => tick.Slices).Where(sum => sum.Observed.Mean is not null).ToLookup(sum => sum.Key, sum => sum.Observed.Mean!.Value, StringComparer.Ordinal);
        List<double> logE = [];
        foreach (SliceTotal slice in ticks.Slices)
        {
            logE.Add(slice.Closed.With(open[slice.Key], scales.Rules).LogE);
        }
        HashSet<int> harmed = [.. EBenjaminiHochberg.Reject([.. logE.Select(PortableMath.Exp)], scales.Rules.SliceFalseDiscoveryRate)];
        return
        [
            .. ticks.Slices.Select((slice, i) => new SliceVerdict
            {
                Name = slice.Key.Split('=')[0],
                Value = slice.Key[(slice.Key.IndexOf('=', StringComparison.Ordinal) + 1)..],
                Pairs = slice.Pairs,
                DisagreementPercent = 100.0 * slice.Disagreements / slice.Pairs,
                ThresholdPercent = 100 * scales.SliceNull,
                HarmLogE = logE[i],
                Harmed = harmed.Contains(i),
            }).OrderByDescending(slice => slice.HarmLogE).ThenBy(slice => slice.Name, StringComparer.Ordinal).ThenBy(slice => slice.Value, StringComparer.Ordinal),
        ];
    }
}
