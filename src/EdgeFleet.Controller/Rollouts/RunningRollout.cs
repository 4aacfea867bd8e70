using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>The rollout of a model that is not over, as a rollback sees it.</summary>
internal sealed class RunningRollout
{
    private readonly ReadSession _session;
    private readonly RolloutState _state;
    private readonly HashSet<string> _drawn;

    private RunningRollout(ReadSession session, RolloutRow row)
    {
        (_session, Row, _state) = (session, row, RolloutDocumentCodec.ReadState(row.State));
        _drawn = [.. _state.Classes.SelectMany(progress => progress.Devices).Select(device => device.DeviceId)];
    }

    public RolloutRow Row { get; }

    /// <summary>Whether it is being taken back already.</summary>
    public bool Stopped => _state.AbortRequested;

    public static RunningRollout? Find(ReadSession session, string model) =>
        RolloutStore.FindRunning(session, model) is { } row ? new RunningRollout(session, row) : null;

    /// <summary>Whether it brings its candidate to a device that the selector means.</summary>
    public bool Means(Selector selector)
    {
        if (selector.Text.Length == 0)
        {
            return true;
        }
        Selector its = Selector.Parse(_state.Spec.Selector);
        return DeviceStore.ListActive(_session).Any(device =>
            selector.Matches(DeviceAttributes.Of(device)) && (_state.Classes.Count > 0 ? _drawn.Contains(device.Id) : its.Matches(DeviceAttributes.Of(device))));
    }

    /// <summary>
    /// Whether it stands in the way: it brings the digest that is taken back to a device that is meant, or it has drawn a
    /// device that is told to go back.
    /// </summary>
    public bool Hinders(RollbackWish wish, string from, RollbackPlan plan) =>
        plan.Back.Any(target => _drawn.Contains(target.Device.Id)) || plan.Newcomers.Any(newcomer => _drawn.Contains(newcomer.Device.Id))
        || (Row.Digest == from && Means(wish.Selector));
}
