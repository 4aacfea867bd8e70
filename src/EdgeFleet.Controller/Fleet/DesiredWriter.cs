using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Controller.Fleet;

/// <summary>Writes what devices shall be; their streams hear of it when it is on disk, not before.</summary>
internal sealed class DesiredWriter(DeviceStreams streams)
{
    /// <summary>The new generation; null when the device's desired state says that already.</summary>
    public long? Put(WriteTransaction transaction, string deviceId, DesiredDeployment desired) =>
        Tell(transaction, deviceId, DesiredStore.Put(transaction, deviceId, desired));

    /// <summary>For thousands of devices at once, whose rows the caller has read in one go.</summary>
    public long? Put(WriteTransaction transaction, string deviceId, DesiredDeployment desired, DesiredModelRow? written) =>
        Tell(transaction, deviceId, DesiredStore.Put(transaction, deviceId, desired, written));

    public long? Remove(WriteTransaction transaction, string deviceId, string model) =>
        Tell(transaction, deviceId, DesiredStore.Remove(transaction, deviceId, model));

    private long? Tell(WriteTransaction transaction, string deviceId, long? generation)
    {
        if (generation is not null)
        {
            transaction.AfterCommit(() => streams.DesiredChanged(deviceId));
        }
        return generation;
    }
}
