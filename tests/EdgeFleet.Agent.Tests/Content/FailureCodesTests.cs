using System.Reflection;
using System.Text.Json;
using EdgeFleet.Agent.Content;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Agent.Tests.Content;

/// <summary>The words stand here, where a device says them, and with the gate, which never references the agent: they are one language.</summary>
public sealed class FailureCodesTests
{
    private static readonly string[] s_said =
        [.. typeof(FailureCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];

    [Fact]
    public void Every_invariant_of_the_gate_has_the_word_that_devices_say_or_is_one_that_it_finds_itself()
    {
        InvariantKind[] found = [InvariantKind.OverMemoryBudget, InvariantKind.RolledBackLocally, InvariantKind.Other];
        foreach (InvariantKind kind in Enum.GetValues<InvariantKind>().Except(found))
        {
            string word = JsonSerializer.Serialize(kind).Trim('"');
            Assert.Contains(word, s_said);
            Assert.Equal(kind, InvariantKinds.FromCode(word));
        }
    }

    [Fact]
    public void What_blames_the_surroundings_of_a_device_blames_no_candidate()
    {
        Assert.Equal(
            [
                FailureCodes.DeadlinePassed, FailureCodes.DiskFull, FailureCodes.DownloadBroken, FailureCodes.HookNotStarted, FailureCodes.NotAvailable,
                FailureCodes.RolledBackHere, FailureCodes.RunnerAway, FailureCodes.WorkerFailed,
            ],
            s_said.Where(InvariantKinds.IsOfTheWorld).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(s_said, word => InvariantKinds.IsOfTheWorld(word) && InvariantKinds.FromCode(word) is not null);
    }
}
