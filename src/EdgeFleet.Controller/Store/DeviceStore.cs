namespace EdgeFleet.Controller.Store;

internal static class DeviceStates
{
    public const string Pending = "pending";
    public const string Active = "active";
    public const string Revoked = "revoked";
}

/// <summary>Whether what serves the models on a device answers its agent.</summary>
internal static class RunnerStates
{
    /// <summary>Nothing is provisioned, nobody has looked yet, or the agent is one that does not say.</summary>
    public const string Unknown = "unknown";
    public const string Answers = "answers";
    public const string Away = "away";
}

internal sealed record DeviceRow
{
    public string Id { get; init; } = "";
    public string State { get; init; } = "";
    public string SpkiSha256 { get; init; } = "";
    /// <summary>What selectors see: the device's own labels under those that the operator fixed at enrolment.</summary>
    public string Labels { get; init; } = "{}";
    public string FixedLabels { get; init; } = "{}";
    public string Facts { get; init; } = "{}";
    public string HardwareClass { get; init; } = "";
    public string AgentVersion { get; init; } = "";
    public long EnrolledAt { get; init; }
    public long? ApprovedAt { get; init; }
    public long? RevokedAt { get; init; }
    public string? RevokedReason { get; init; }
    public long PresenceEpoch { get; init; }
    public bool Online { get; init; }
    public long? PresenceAt { get; init; }
    /// <summary>When its stream was last opened or closed.</summary>
    public long? LastSeenAt { get; init; }
    public long ReportedBoot { get; init; }
    public long ReportedSeq { get; init; }
    public long ReportedGeneration { get; init; }
    public long? ReportedAt { get; init; }
    /// <summary>One of <see cref="RunnerStates"/>, as the device said last.</summary>
    public string Runner { get; init; } = RunnerStates.Unknown;
}

/// <summary>What a device says that it serves of one model.</summary>
internal sealed record SlotsRow
{
    public string DeviceId { get; init; } = "";
    public string Model { get; init; } = "";
    public string? Active { get; init; }
    public string? Previous { get; init; }
    public string? Golden { get; init; }
    /// <summary>By the device's clock, which may be wrong.</summary>
    public long? ServingSinceDevice { get; init; }
    public long ChangedAt { get; init; }
}

internal sealed record FleetCounts
{
    public long Devices { get; init; }
    public long Pending { get; init; }
    public long Active { get; init; }
    public long Revoked { get; init; }
    public long Online { get; init; }
}

/// <summary>The registry: who belongs to the fleet, what it is, where it is, and what it says that it serves.</summary>
internal static class DeviceStore
{
    public static DeviceRow? Find(ReadSession session, string id) => session.QueryOne<DeviceRow>("SELECT * FROM devices WHERE id = @id", new { id });

    public static IReadOnlyList<DeviceRow> List(ReadSession session, string after, int limit) =>
        session.Query<DeviceRow>("SELECT * FROM devices WHERE id > @after ORDER BY id LIMIT @limit", new { after, limit });

    /// <summary>Devices that are or were members, not those that wait.</summary>
    public static IReadOnlyList<DeviceRow> ListKnown(ReadSession session) =>
        session.Query<DeviceRow>("SELECT * FROM devices WHERE state <> 'pending' ORDER BY id");

    public static IReadOnlyList<DeviceRow> ListActive(ReadSession session) =>
        session.Query<DeviceRow>("SELECT * FROM devices WHERE state = 'active' ORDER BY id");

    public static IReadOnlyList<string> ListRevokedIds(ReadSession session) =>
        session.Query<string>("SELECT id FROM devices WHERE state = 'revoked' ORDER BY id");

    /// <summary>Members that have said which release keys they believe, and not this one.</summary>
    public static IReadOnlyList<string> ListUnawareOf(ReadSession session, string releaseKeyId) => session.Query<string>(
        "SELECT id FROM devices WHERE state = 'active' AND release_keys <> '' AND INSTR(release_keys, @releaseKeyId) = 0 ORDER BY id", new { releaseKeyId });

    public static FleetCounts Count(ReadSession session) => session.QueryOne<FleetCounts>(
        """
        SELECT COUNT(*) AS devices,
               COALESCE(SUM(state = 'pending'), 0) AS pending,
               COALESCE(SUM(state = 'active'), 0) AS active,
               COALESCE(SUM(state = 'revoked'), 0) AS revoked,
               COALESCE(SUM(state = 'active' AND online <> 0), 0) AS online
        FROM devices
        """)!;

    public static void Add(WriteTransaction transaction, DeviceRow row) => transaction.Execute(
        """
        INSERT INTO devices (id, state, spki_sha256, labels, fixed_labels, facts, hardware_class, agent_version, enrolled_at, approved_at)
        VALUES (@Id, @State, @SpkiSha256, @Labels, @FixedLabels, @Facts, @HardwareClass, @AgentVersion, @EnrolledAt, @ApprovedAt)
        """,
        row);

    public static bool Approve(WriteTransaction transaction, string id, long at) => transaction.Execute(
        "UPDATE devices SET state = 'active', approved_at = @at WHERE id = @id AND state = 'pending'", new { id, at }) > 0;

    public static bool Revoke(WriteTransaction transaction, string id, string reason, long at) => transaction.Execute(
        "UPDATE devices SET state = 'revoked', revoked_at = @at, revoked_reason = @reason, online = 0 WHERE id = @id AND state <> 'revoked'",
        new { id, reason, at }) > 0;

    /// <summary>
    /// Takes a device out of the registry with what belongs to it, so that its name may enrol again. Its generation stays:
    /// a device that comes back with old state must see a higher one.
    /// </summary>
    public static bool Remove(WriteTransaction transaction, string id)
    {
        foreach (string table in (ReadOnlySpan<string>)["certificates", "enrollments", "desired_models", "orders", "slots", "ledger", "device_events"])
        {
            transaction.Execute($"DELETE FROM {table} WHERE device_id = @id", new { id });
        }
        return transaction.Execute("DELETE FROM devices WHERE id = @id AND state <> 'active'", new { id }) > 0;
    }

    public static void SetKey(WriteTransaction transaction, string id, string spkiSha256) =>
        transaction.Execute("UPDATE devices SET spki_sha256 = @spkiSha256 WHERE id = @id", new { id, spkiSha256 });

    public static void SetSeen(WriteTransaction transaction, string id, long at) =>
        transaction.Execute("UPDATE devices SET last_seen_at = @at WHERE id = @id", new { id, at });

    /// <summary>False: the message belongs to an older connection than one that was seen, such as a late will.</summary>
    public static bool SetPresence(WriteTransaction transaction, string id, long epoch, bool online, string agentVersion, long at) => transaction.Prepare(
        """
        UPDATE devices SET presence_epoch = @1, online = @2, presence_at = @3,
               agent_version = CASE WHEN @4 = '' THEN agent_version ELSE @4 END
        WHERE id = @0 AND presence_epoch <= @1
        """).Execute(id, epoch, online ? 1 : 0, at, agentVersion) > 0;

    public static SlotsRow? FindSlots(ReadSession session, string deviceId, string model) =>
        session.QueryOne<SlotsRow>("SELECT * FROM slots WHERE device_id = @deviceId AND model = @model", new { deviceId, model });

    public static IReadOnlyList<SlotsRow> ListSlots(ReadSession session, string deviceId) =>
        session.Query<SlotsRow>("SELECT * FROM slots WHERE device_id = @deviceId ORDER BY model", new { deviceId });

    public static IReadOnlyList<SlotsRow> ListSlotsOf(ReadSession session, IReadOnlyCollection<string> deviceIds) =>
        session.Query<SlotsRow>("SELECT * FROM slots WHERE device_id IN @deviceIds", new { deviceIds });

    public static IReadOnlyList<SlotsRow> ListSlotsOfModel(ReadSession session, string model) =>
        session.Query<SlotsRow>("SELECT * FROM slots WHERE model = @model ORDER BY device_id", new { model });
}
