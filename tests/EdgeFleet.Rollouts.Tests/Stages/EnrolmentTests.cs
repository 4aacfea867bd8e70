using EdgeFleet.Core;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

public sealed class EnrolmentTests
{
    [Fact]
    public void Devices_that_cannot_take_part_are_listed_with_the_reason_and_not_drawn()
    {
        DeviceView fine = Device("fine");
        RolloutDecision decision = Decide(
            Rollouts.Staged with { Selector = "site == lab" },
            fine,
            Device("elsewhere") with { Attributes = new Dictionary<string, string> { ["site"] = "hall" } },
            Device("revoked") with { Revoked = true },
            Device("never") with { LastSeenAt = null },
            Device("silent") with { LastSeenAt = FakeFleet.Start.AddSeconds(-11) },
            Device("rare") with { LastSeenAt = FakeFleet.Start.AddSeconds(-11), ExpectedContact = TimeSpan.FromSeconds(4) },
            Device("bare") with { Active = null },
            Device("done") with { Active = FakeFleet.Candidate });

        Assert.Equal(["fine", "rare"], decision.Next.Classes.Single().Devices.Select(d => d.DeviceId).Order());
        Assert.Equal(
            [
                ("bare", "is unprovisioned; a staged rollout needs a baseline to compare with"),
                ("done", "serves the candidate already"),
                ("never", "was never heard of"),
                ("silent", "silent since 2026-11-20T11:59:49Z (limit 10 s)"),
            ],
            decision.Next.NotDrawn.Select(n => (n.DeviceId, n.Reason)));
        Assert.Equal(fine.Active, decision.Next.Classes[0].Devices[0].Before);
    }

    [Fact]
    public void An_install_leaves_provisioned_devices_alone()
    {
        RolloutDecision decision = Decide(Rollouts.Install, Device("bare") with { Active = null }, Device("served"));

        Assert.Equal("bare", decision.Next.Classes.Single().Devices.Single().DeviceId);
        Assert.Contains("strategy install is for unprovisioned devices", Assert.Single(decision.Next.NotDrawn).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_candidate_goes_only_to_the_hardware_that_its_manifest_names()
    {
        RolloutState state = RolloutState.Create("r", Rollouts.Staged, Rollouts.Policy, 1, FakeFleet.Start);
        RolloutDecision decision = RolloutReconciler.Decide(state, new RolloutWorld
        {
            Now = FakeFleet.Start,
            Devices = [Device("a"), Device("b") with { HardwareClass = "pi" }],
            CandidateHardwareClasses = ["pi"],
        });

        Assert.Equal("b", decision.Next.Classes.Single().Devices.Single().DeviceId);
        Assert.Contains("not meant for hardware class orin", Assert.Single(decision.Next.NotDrawn).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rollout_without_devices_waits_with_a_reason_instead_of_completing()
    {
        RolloutDecision decision = Decide(Rollouts.Staged);
        Assert.Equal((RolloutPhase.Pending, "no device matches the selector"), (decision.Next.Phase, decision.Next.Reason));

        RolloutDecision again = RolloutReconciler.Decide(decision.Next, new RolloutWorld { Now = FakeFleet.Start.AddHours(1), Devices = [] });
        Assert.False(again.Changed);

        RolloutDecision drawn = RolloutReconciler.Decide(again.Next, new RolloutWorld { Now = FakeFleet.Start, Devices = [Device("a")] });
        Assert.Equal(RolloutPhase.Running, drawn.Next.Phase);
    }

    [Fact]
    public void The_order_is_a_permutation_that_depends_on_the_seed_and_not_on_the_listing()
    {
        DeviceView[] devices = [.. Enumerable.Range(0, 50).Select(i => Device($"d{i:00}"))];
        string[] Order(ulong seed, IEnumerable<DeviceView> listed) =>
        [
            .. RolloutReconciler.Decide(RolloutState.Create("r", Rollouts.Staged, Rollouts.Policy, seed, FakeFleet.Start), new RolloutWorld { Now = FakeFleet.Start, Devices = [.. listed] })
                .Next.Classes.Single().Devices.Select(d => d.DeviceId),
        ];

        string[] order = Order(1, devices);
        Assert.Equal(order, Order(1, devices.Reverse()));
        Assert.NotEqual(order, Order(2, devices));
        Assert.NotEqual(order, [.. order.Order(StringComparer.Ordinal)]);
        Assert.Equal(50, order.Distinct().Count());
        // A frozen permutation treats devices alike: over many seeds each is first about as often as another.
        int first = Enumerable.Range(0, 2000).Count(seed => Order((ulong)seed, devices)[0] == "d07");
        Assert.InRange(first, 40 - 25, 40 + 25);
    }

    [Fact]
    public void A_stage_takes_devices_that_are_on_line_first_in_the_frozen_order_and_others_only_where_those_are_too_few()
    {
        RolloutSpec four = Rollouts.Staged with { Stages = [new StageSpec { Kind = StageKind.Bench, Devices = 4 }, .. Rollouts.Staged.Stages.Skip(1)] };
        DeviceView[] all = [.. Enumerable.Range(0, 6).Select(i => Device($"d{i}"))];
        string[] order = [.. Decide(four, all).Next.Classes.Single().Devices.Select(d => d.DeviceId)];

        // The first two of the order were last heard of four seconds ago; the third too, which is usual for it.
        RolloutDecision decision = Decide(four, [.. all.Select(d => Array.IndexOf(order, d.DeviceId) switch
        {
            0 or 1 => d with { LastSeenAt = FakeFleet.Start.AddSeconds(-4) },
            2 => d with { LastSeenAt = FakeFleet.Start.AddSeconds(-4), ExpectedContact = TimeSpan.FromSeconds(5) },
            _ => d,
        })]);
        Assert.Equal(order, decision.Next.Classes.Single().Devices.Select(d => d.DeviceId));
        Assert.Equal(order[2..6], Admitted(decision));

        Assert.Equal([order[0], order[1], order[4], order[5]], Admitted(Decide(four, [.. all.Select(d =>
            Array.IndexOf(order, d.DeviceId) < 4 ? d with { LastSeenAt = FakeFleet.Start.AddSeconds(-4) } : d)])));

        static string[] Admitted(RolloutDecision decision) => [.. decision.Next.Classes.Single().Devices.Where(d => d.Stage >= 0).Select(d => d.DeviceId)];
    }

    [Fact]
    public void The_preview_says_who_is_off_line()
    {
        RolloutState pending = RolloutState.Create("r", Rollouts.Staged, Rollouts.Policy, 1, FakeFleet.Start);
        RolloutPreview preview = RolloutPreview.Of(pending, new RolloutWorld
        {
            Now = FakeFleet.Start, Devices = [Device("d0"), Device("d1") with { LastSeenAt = FakeFleet.Start.AddSeconds(-4) }, Device("d2") with { LastSeenAt = null }],
        });

        Assert.Equal(["d1"], preview.OffLine);
        Assert.Equal("d2", Assert.Single(preview.NotDrawn).DeviceId);
    }

    [Fact]
    public void A_device_whose_hardware_class_changed_no_longer_speaks_for_its_class()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).Run(6);
        fleet.Seen = view => view.DeviceId == "orin-1" ? view with { HardwareClass = "orin-50w" } : view;
        fleet.Run(20);

        DeviceVerdict device = fleet.Last!.Current[0].Devices.Single(d => d.DeviceId == "orin-1");
        Assert.Equal((DeviceStanding.Missing, 0L), (device.Standing, device.Pairs));
        Assert.Contains("changed to orin-50w", device.Reason, StringComparison.Ordinal);
        Assert.Empty(fleet.EverServedCandidate);
    }

    [Fact]
    public void A_revoked_device_is_left_out_and_holds_nothing_up()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).Run(3);
        fleet.Seen = view => view.DeviceId == "orin-1" ? view with { Revoked = true, LastSeenAt = FakeFleet.Start } : view;

        Assert.Equal(RolloutPhase.Completed, fleet.RunToEnd().State.Phase);
        Assert.Equal(DeviceStanding.Excluded, fleet.Class("orin").Devices.Single(d => d.DeviceId == "orin-1").Exit!.Standing);
    }

    [Fact]
    public void A_device_that_comes_while_the_rollout_runs_is_taken_by_no_stage_and_gets_it_by_the_assignment()
    {
        FakeFleet fleet = new(Rollouts.Staged, Rollouts.Policy) { Seen = view => view with { HardwareClass = "orin" } };
        fleet.Add("orin", 4).Run(6).Add("new", 2).RunToEnd();

        Assert.Equal(["orin-0", "orin-1", "orin-2", "orin-3"], fleet.State.Classes.Single().Devices.Select(d => d.DeviceId).Order());
        Assert.Equal(["orin-0", "orin-1", "orin-2", "orin-3"], fleet.EverServedCandidate.Order());
        AssignmentChange assignment = Assert.Single(fleet.Last!.Assignments);
        Assert.Equal(("fashion", "", FakeFleet.Candidate), (assignment.Model, assignment.Selector, assignment.Digest));
    }

    [Fact]
    public void The_clock_alone_changes_nothing_before_the_wake_time()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 12).Run(8);
        RolloutWorld world = fleet.World();
        RolloutState state = fleet.State;
        int wakes = 0;
        while (RolloutReconciler.Decide(state, world).WakeAt is { } wake)
        {
            Assert.True(wake > world.Now);
            RolloutDecision before = RolloutReconciler.Decide(state, world with { Now = wake - TimeSpan.FromTicks(1) });
            Assert.False(before.Changed, $"changed before {wake:O}: {string.Join("; ", before.Events.Select(e => e.Message))}");
            world = world with { Now = wake };
            state = RolloutReconciler.Decide(state, world).Next;
            Assert.True(++wakes < 200, "wakes without end");
        }
        Assert.Equal(ClassPhase.Inconclusive, Assert.Single(state.Classes).Phase);
    }

    private static DeviceView Device(string id) => new()
    {
        DeviceId = id,
        HardwareClass = "orin",
        Attributes = new Dictionary<string, string> { ["site"] = "lab" },
        Active = FakeFleet.Baseline,
        LastSeenAt = FakeFleet.Start,
    };

    private static RolloutDecision Decide(RolloutSpec spec, params DeviceView[] devices) => RolloutReconciler.Decide(
        RolloutState.Create("r", spec, Rollouts.Policy, 1, FakeFleet.Start), new RolloutWorld { Now = FakeFleet.Start, Devices = devices });
}
