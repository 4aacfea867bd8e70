using System.Globalization;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Whether the requests of a stage were shared as it asks, which is asked before any figure of the two is believed.</summary>
internal static class ShareRules
{
    public static void Collect(GateInput input, List<MissingEvidence> missing)
    {
        if (input.RequestPercent is not { } percent)
        {
            return;
        }
        ArmTotals arms = input.Ticks?.Arms ?? new ArmTotals(0, 0);
        if (arms.Candidate == 0)
        {
            missing.Add(new MissingEvidence(MissingCodes.Requests, input.HardwareClass, string.Create(
                CultureInfo.InvariantCulture, $"the candidate has answered no requests yet, the baseline {arms.Baseline}; {percent:0.##} % are to be the candidate's")));
        }
        double logE = SampleRatio.LogE([arms.Baseline, arms.Candidate], [100 - percent, percent]);
        if (logE >= input.Rules.SampleRatioLogE)
        {
            // Said first: nothing that waiting brings makes such figures valid.
            missing.Insert(0, new MissingEvidence(MissingCodes.SampleRatio, input.HardwareClass, string.Create(
                CultureInfo.InvariantCulture,
                $"invalid: {arms.Candidate} of {arms.Candidate + arms.Baseline} requests were the candidate's ({100.0 * arms.Candidate / (arms.Candidate + arms.Baseline):0.##} %) where {percent:0.##} % should be (E = {PortableMath.Exp(Math.Min(logE, 700)):0.#}); requests are lost or drawn wrongly, so no figure of this stage holds")));
        }
    }
}
