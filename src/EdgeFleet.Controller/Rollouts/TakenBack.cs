using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>
/// Digests that no default may put onto a device, because they were taken back: from the whole fleet by an operator (barred),
/// or from the device or its hardware class by a rollout. A later rollout that went well there, and a person who names the
/// digest, have the last word.
/// </summary>
internal sealed class TakenBack(ReadSession session, string model)
{
    private readonly HashSet<string> _barred = [.. AssignmentStore.ListBarred(session, model)];
    private readonly Dictionary<string, IReadOnlyList<RolloutState>> _rollouts = new(StringComparer.Ordinal);

    /// <summary>Whether the digest was taken back from this device.</summary>
    public bool From(DeviceRow device, string digest) => _barred.Contains(digest) || Last(digest, state => Word(state, device)) == true;

    /// <summary>Whether it was taken back anywhere: newcomers may be of any hardware class.</summary>
    public bool Anywhere(string digest) => _barred.Contains(digest) || Last(digest, Word) == true;

    /// <summary>A person puts it back: what rollouts made of it before counts no more.</summary>
    public static void Lift(WriteTransaction transaction, string model, string digest, string message, long now)
    {
        AssignmentStore.Unbar(transaction, model, digest);
        if (RolloutStore.ListOfDigest(transaction, model, digest) is [var newest, ..])
        {
            RolloutStore.AddEvent(transaction, newest.Id, now, "", RolloutStore.Lifted, message);
        }
    }

    private bool? Last(string digest, Func<RolloutState, bool?> word) => Rollouts(digest).Select(word).FirstOrDefault(said => said is not null);

    /// <summary>Rollouts of the digest, the newest first, as far back as they count.</summary>
    private IReadOnlyList<RolloutState> Rollouts(string digest)
    {
        if (!_rollouts.TryGetValue(digest, out IReadOnlyList<RolloutState>? states))
        {
            _rollouts[digest] = states =
            [
                .. RolloutStore.ListOfDigest(session, model, digest)
                    .TakeWhile(row => !RolloutStore.HasEvent(session, row.Id, RolloutStore.Lifted)).Select(row => RolloutDocumentCodec.ReadState(row.State)),
            ];
        }
        return states;
    }

    /// <summary>What one rollout says of the digest on a device: taken back, good, or nothing.</summary>
    private static bool? Word(RolloutState state, DeviceRow device)
    {
        foreach (ClassProgress progress in state.Classes)
        {
            if (progress.Devices.FirstOrDefault(drawn => drawn.DeviceId == device.Id) is { } drawn)
            {
                return Goals.IsTakenBack(drawn, progress) ? true : progress.Phase == ClassPhase.Completed && drawn.Exit is null ? false : null;
            }
        }
        // An abort takes the digest from the devices of the rollout; it is no judgement of their hardware class.
        return state.Classes.FirstOrDefault(progress => progress.HardwareClass == device.HardwareClass)?.Phase switch
        {
            ClassPhase.RollingBack or ClassPhase.RolledBack or ClassPhase.PartlyCompleted when !state.AbortRequested => true,
            ClassPhase.Completed => false,
            _ => null,
        };
    }

    private static bool? Word(RolloutState state) =>
        state.Classes.Any(progress => progress.Phase is ClassPhase.RollingBack or ClassPhase.RolledBack or ClassPhase.PartlyCompleted) ? true
        : state.Classes.Any(progress => progress.Phase == ClassPhase.Completed) ? false
        : null;
}
