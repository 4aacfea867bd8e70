using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Controller.Store;

internal sealed record DesiredModelRow
{
    public string DeviceId { get; init; } = "";
    public string Model { get; init; } = "";
    public string Digest { get; init; } = "";
    public string Goal { get; init; } = "";
    public string Reason { get; init; } = "";
    public string RolloutId { get; init; } = "";
    public int Attempt { get; init; }
    public long Generation { get; init; }
    public long Epoch { get; init; }
    public long? Deadline { get; init; }
    public string Plan { get; init; } = "{}";

    public DesiredDeployment ToDesired() => new()
    {
        Model = Model,
        Digest = Core.Digest.Parse(Digest),
        Goal = Enum.Parse<DeploymentGoal>(Goal),
        Reason = Enum.Parse<DesiredReason>(Reason),
        RolloutId = RolloutId,
        Attempt = Attempt,
        Epoch = Epoch,
        Deadline = Clock.FromMs(Deadline),
        Plan = StoreJson.ReadPlan(Plan),
    };
}

/// <summary>
/// What each device shall be. One generation per device that only goes up; every statement that writes carries the epoch in
/// its WHERE, so a controller that was replaced writes nothing.
/// </summary>
internal static class DesiredStore
{
    public static DesiredState? Read(ReadSession session, string deviceId)
    {
        GenerationRow? row = session.QueryOne<GenerationRow>("SELECT generation, epoch FROM desired WHERE device_id = @deviceId", new { deviceId });
        if (row is null)
        {
            return null;
        }
        Dictionary<string, DesiredDeployment> models = ListOfDevice(session, deviceId)
            .ToDictionary(model => model.Model, model => model.ToDesired(), StringComparer.Ordinal);
        return new DesiredState(row.Generation, row.Epoch, models);
    }

    public static DesiredModelRow? Find(ReadSession session, string deviceId, string model) => session.QueryOne<DesiredModelRow>(
        "SELECT * FROM desired_models WHERE device_id = @deviceId AND model = @model", new { deviceId, model });

    public static long GenerationOf(ReadSession session, string deviceId) =>
        session.QueryOne<long>("SELECT generation FROM desired WHERE device_id = @deviceId", new { deviceId });

    /// <summary>Which generation the device is told, and under which epoch.</summary>
    public static (long Generation, long Epoch) VersionOf(ReadSession session, string deviceId) =>
        session.QueryOne<GenerationRow>("SELECT generation, epoch FROM desired WHERE device_id = @deviceId", new { deviceId }) is { } row ? (row.Generation, row.Epoch) : default;

    public static IReadOnlyList<DesiredModelRow> ListOfDevice(ReadSession session, string deviceId) =>
        session.Query<DesiredModelRow>("SELECT * FROM desired_models WHERE device_id = @deviceId ORDER BY model", new { deviceId });

    public static IReadOnlyList<DesiredModelRow> ListOfDevices(ReadSession session, IReadOnlyCollection<string> deviceIds) =>
        session.Query<DesiredModelRow>("SELECT * FROM desired_models WHERE device_id IN @deviceIds", new { deviceIds });

    /// <summary>The generations of those of the devices that were ever told anything.</summary>
    public static IReadOnlyDictionary<string, long> GenerationsOf(ReadSession session, IReadOnlyCollection<string> deviceIds) => session
        .Query<GenerationRow>("SELECT device_id, generation FROM desired WHERE device_id IN @deviceIds", new { deviceIds })
        .ToDictionary(row => row.DeviceId, row => row.Generation, StringComparer.Ordinal);

    public static IReadOnlyList<DesiredModelRow> ListOfModel(ReadSession session, string model) =>
        session.Query<DesiredModelRow>("SELECT * FROM desired_models WHERE model = @model ORDER BY device_id", new { model });

    /// <summary>Whether the device's desired state names the artifact: it may fetch that and nothing else.</summary>
    public static bool Names(ReadSession session, string deviceId, string digest) => session.QueryOne<long>(
        "SELECT COUNT(*) FROM desired_models WHERE device_id = @deviceId AND digest = @digest", new { deviceId, digest }) > 0;

    /// <summary>Whether a file belongs to an artifact that the device's desired state names.</summary>
    public static bool NamesContent(ReadSession session, string deviceId, string sha256) => session.QueryOne<long>(
        """
        SELECT COUNT(*) FROM desired_models d JOIN artifact_files f ON f.digest = d.digest
        WHERE d.device_id = @deviceId AND f.sha256 = @sha256
        """,
        new { deviceId, sha256 }) > 0;

    /// <inheritdoc cref="Put(WriteTransaction, string, DesiredDeployment, DesiredModelRow?)"/>
    public static long? Put(WriteTransaction transaction, string deviceId, DesiredDeployment desired) =>
        Put(transaction, deviceId, desired, Find(transaction, deviceId, desired.Model));

    /// <summary>Writes one model's desire under the device's next generation; null when <paramref name="written"/> says that already.</summary>
    /// <param name="written">What stands there now.</param>
    public static long? Put(WriteTransaction transaction, string deviceId, DesiredDeployment desired, DesiredModelRow? written)
    {
        DesiredModelRow row = ToRow(deviceId, desired, transaction.Epoch);
        if (written is not null && written with { Generation = 0, Epoch = 0 } == row with { Epoch = 0 })
        {
            return null;
        }
        long generation = NextGeneration(transaction, deviceId);
        transaction.ExecuteFenced(
            $"desired state of device '{deviceId}'",
            """
            INSERT INTO desired_models (device_id, model, digest, goal, reason, rollout_id, attempt, generation, epoch, deadline, plan)
            SELECT @DeviceId, @Model, @Digest, @Goal, @Reason, @RolloutId, @Attempt, @Generation, @Epoch, @Deadline, @Plan
            FROM controller WHERE id = 1 AND epoch = @Epoch
            ON CONFLICT (device_id, model) DO UPDATE SET
                digest = excluded.digest, goal = excluded.goal, reason = excluded.reason, rollout_id = excluded.rollout_id, attempt = excluded.attempt,
                generation = excluded.generation, epoch = excluded.epoch, deadline = excluded.deadline, plan = excluded.plan
            """,
            row with { Generation = generation });
        OrderStore.Note(transaction, row);
        return generation;
    }

    /// <summary>Takes a model off a device's desired state; null when it was not there.</summary>
    public static long? Remove(WriteTransaction transaction, string deviceId, string model)
    {
        if (Find(transaction, deviceId, model) is null)
        {
            return null;
        }
        long generation = NextGeneration(transaction, deviceId);
        transaction.ExecuteFenced(
            $"desired state of device '{deviceId}'",
            "DELETE FROM desired_models WHERE device_id = @deviceId AND model = @model AND EXISTS (SELECT 1 FROM controller WHERE id = 1 AND epoch = @Epoch)",
            new { deviceId, model, transaction.Epoch });
        return generation;
    }

    /// <summary>
    /// A device knows what the database does not (which was restored from a backup): goes above that, and stays there. The epoch
    /// is raised for this device alone, so that one which lies about it harms itself.
    /// </summary>
    public static void RaiseAbove(WriteTransaction transaction, string deviceId, long knownGeneration, long knownEpoch)
    {
        NextGeneration(transaction, deviceId);
        transaction.ExecuteFenced(
            $"desired state of device '{deviceId}'",
            """
            UPDATE desired SET generation = MAX(generation, @knownGeneration + 1), epoch = CASE WHEN epoch < @knownEpoch THEN @knownEpoch + 1 ELSE epoch END
            WHERE device_id = @deviceId AND EXISTS (SELECT 1 FROM controller WHERE id = 1 AND epoch = @Epoch)
            """,
            new { deviceId, knownGeneration, knownEpoch, transaction.Epoch });
    }

    private static long NextGeneration(WriteTransaction transaction, string deviceId)
    {
        transaction.ExecuteFenced(
            $"desired state of device '{deviceId}'",
            """
            INSERT INTO desired (device_id, generation, epoch) SELECT @deviceId, 1, @Epoch FROM controller WHERE id = 1 AND epoch = @Epoch
            ON CONFLICT (device_id) DO UPDATE SET generation = generation + 1, epoch = MAX(epoch, excluded.epoch)
            """,
            new { deviceId, transaction.Epoch });
        return transaction.QueryOne<long>("SELECT generation FROM desired WHERE device_id = @deviceId", new { deviceId });
    }

    private static DesiredModelRow ToRow(string deviceId, DesiredDeployment desired, long epoch) => new()
    {
        DeviceId = deviceId,
        Model = desired.Model,
        Digest = desired.Digest.ToString(),
        Goal = desired.Goal.ToString(),
        Reason = desired.Reason.ToString(),
        RolloutId = desired.RolloutId,
        Attempt = desired.Attempt,
        Epoch = epoch,
        Deadline = desired.Deadline?.ToUnixTimeMilliseconds(),
        Plan = StoreJson.Write(desired.Plan),
    };

    private sealed record GenerationRow
    {
        public string DeviceId { get; init; } = "";
        public long Generation { get; init; }
        public long Epoch { get; init; }
    }
}
