using EdgeFleet.Controller.Ingest;

namespace EdgeFleet.Controller.Store;

/// <summary>Rows made from reports. Runs thousands of times a second, so its statements are compiled once.</summary>
internal static class IngestStore
{
    /// <summary>Incarnations of an outbox that are remembered; what comes from an older one is taken and thrown away.</summary>
    private const int BootsKept = 4;
    private const int EventsKept = 200;

    public static string? FindDeviceState(WriteTransaction transaction, string device) =>
        transaction.Prepare("SELECT state FROM devices WHERE id = @0").QueryOne(row => row.GetString(0), device);

    /// <summary>The ledger of an outbox; null when so many newer incarnations exist that this one is forgotten.</summary>
    public static SequenceLedger? LoadLedger(WriteTransaction transaction, string device, long boot)
    {
        SequenceLedger? known = transaction.Prepare("SELECT contiguous, ahead FROM ledger WHERE device_id = @0 AND boot = @1")
            .QueryOne(row => new SequenceLedger(row.GetInt64(0), row.GetString(1)), device, boot);
        if (known is not null)
        {
            return known;
        }
        long newer = transaction.Prepare("SELECT COUNT(*) FROM ledger WHERE device_id = @0 AND boot > @1").QueryOne(row => row.GetInt64(0), device, boot);
        return newer >= BootsKept ? null : new SequenceLedger();
    }

    public static void SaveLedger(WriteTransaction transaction, string device, long boot, SequenceLedger ledger)
    {
        if (transaction.Prepare("UPDATE ledger SET contiguous = @2, ahead = @3 WHERE device_id = @0 AND boot = @1").Execute(device, boot, ledger.Contiguous, ledger.Ahead) > 0)
        {
            return;
        }
        transaction.Prepare("INSERT INTO ledger (device_id, boot, contiguous, ahead) VALUES (@0, @1, @2, @3)").Execute(device, boot, ledger.Contiguous, ledger.Ahead);
        transaction.Execute(
            "DELETE FROM ledger WHERE device_id = @device AND boot NOT IN (SELECT boot FROM ledger WHERE device_id = @device ORDER BY boot DESC LIMIT @kept)",
            new { device, kept = BootsKept });
    }

    public static long FindContiguous(ReadSession session, string device, long boot) =>
        session.QueryOne<long>("SELECT contiguous FROM ledger WHERE device_id = @device AND boot = @boot", new { device, boot });

    /// <summary>False: a newer state of this device is stored already.</summary>
    public static bool PutState(WriteTransaction transaction, IncomingReport.State report, long now)
    {
        DeviceRow? device = DeviceStore.Find(transaction, report.Device);
        if (device is null || (device.ReportedBoot, device.ReportedSeq).CompareTo((report.Boot, report.Seq)) >= 0)
        {
            return false;
        }
        Dictionary<string, string> labels = new(report.Labels, StringComparer.Ordinal);
        foreach ((string name, string value) in StoreJson.ReadMap(device.FixedLabels))
        {
            labels[name] = value;
        }
        transaction.Prepare(
            """
            UPDATE devices SET reported_boot = @1, reported_seq = @2, reported_generation = @3, reported_at = @4, labels = @5,
                   facts = @6, hardware_class = @7, agent_version = @8, release_keys = @9, runner = @10
            WHERE id = @0
            """).Execute(
            report.Device, report.Boot, report.Seq, report.Generation, now, StoreJson.Write(labels),
            report.Facts is { } facts ? StoreJson.Write(facts) : device.Facts,
            report.Facts?.ClassId ?? (report.HardwareClass.Length > 0 ? report.HardwareClass : device.HardwareClass),
            report.AgentVersion.Length > 0 ? report.AgentVersion : device.AgentVersion, string.Join(',', report.ReleaseKeyIds), report.Runner);

        foreach (ModelState model in report.Models)
        {
            PutSlots(transaction, report.Device, model, report.Generation, now);
        }
        foreach (SlotsRow row in DeviceStore.ListSlots(transaction, report.Device))
        {
            if (!report.Models.Any(model => model.Model == row.Model))
            {
                transaction.Execute("DELETE FROM slots WHERE device_id = @DeviceId AND model = @Model", row);
            }
        }
        return true;
    }

    private static void PutSlots(WriteTransaction transaction, string device, ModelState model, long generation, long now)
    {
        transaction.Prepare(
            """
            INSERT INTO slots (device_id, model, active, previous, golden, serving_since_device, changed_at) VALUES (@0, @1, @2, @3, @4, @5, @6)
            ON CONFLICT (device_id, model) DO UPDATE SET
                changed_at = CASE WHEN active IS excluded.active THEN changed_at ELSE excluded.changed_at END,
                active = excluded.active, previous = excluded.previous, golden = excluded.golden, serving_since_device = excluded.serving_since_device
            """).Execute(device, model.Model, model.Active?.ToString(), model.Previous?.ToString(), model.Golden?.ToString(), model.ServingSinceMs, now);
        if (model.Active is { } active)
        {
            RollbackStore.NoteServing(transaction, device, model.Model, active.ToString(), generation, now);
        }
    }

    /// <summary>Keeps the newest word on a deployment; false when a newer one is stored already.</summary>
    public static bool PutDeployment(WriteTransaction transaction, IncomingReport.Deployment report, long now) => transaction.Prepare(
        """
        INSERT INTO deployments (device_id, model, digest, rollout_id, attempt, generation, phase, code, detail, invariant, hardware_class, probation, boot, seq, updated_at)
        VALUES (@0, @1, @2, @3, @4, @5, @6, @7, @8, @9, @10, @11, @12, @13, @14)
        ON CONFLICT (device_id, model, rollout_id, attempt, digest) DO UPDATE SET
            generation = excluded.generation, phase = excluded.phase, code = excluded.code, detail = excluded.detail,
            invariant = excluded.invariant, hardware_class = excluded.hardware_class, probation = COALESCE(excluded.probation, probation),
            boot = excluded.boot, seq = excluded.seq, updated_at = excluded.updated_at
        WHERE excluded.boot > deployments.boot OR (excluded.boot = deployments.boot AND excluded.seq > deployments.seq)
        """).Execute(
        report.Device, report.Model, report.Digest.ToString(), report.RolloutId, report.Attempt, report.Generation, report.Phase.ToString(), report.Code,
        report.Detail, report.Invariant ? 1 : 0, report.HardwareClass, report.ProbationJson, report.Boot, report.Seq, now) > 0;

    public static void PutBench(WriteTransaction transaction, IncomingReport.Bench report, long now) => transaction.Prepare(
        """
        INSERT INTO benches (device_id, rollout_id, attempt, model, digest, baseline_digest, hardware_class, evidence, boot, seq, at)
        VALUES (@0, @1, @2, @3, @4, @5, @6, @7, @8, @9, @10)
        ON CONFLICT (rollout_id, device_id, attempt) DO UPDATE SET
            digest = excluded.digest, baseline_digest = excluded.baseline_digest, hardware_class = excluded.hardware_class,
            evidence = excluded.evidence, boot = excluded.boot, seq = excluded.seq, at = excluded.at
        WHERE excluded.boot > benches.boot OR (excluded.boot = benches.boot AND excluded.seq > benches.seq)
        """).Execute(
        report.Device, report.RolloutId, report.Attempt, report.Model, report.Digest.ToString(), report.BaselineDigest, report.HardwareClass,
        report.EvidenceJson, report.Boot, report.Seq, now);

    /// <summary>A tick is stored once: one that was counted in a verdict must never change.</summary>
    public static void PutTick(WriteTransaction transaction, IncomingReport.Shadow report, long now) => transaction.Prepare(
        """
        INSERT INTO ticks (device_id, rollout_id, attempt, tick, digest, hardware_class, evidence, at) VALUES (@0, @1, @2, @3, @4, @5, @6, @7)
        ON CONFLICT (rollout_id, device_id, attempt, tick) DO NOTHING
        """).Execute(report.Device, report.RolloutId, report.Attempt, report.Tick, report.Digest.ToString(), report.HardwareClass, report.TickJson, now);

    public static void PutEvent(WriteTransaction transaction, IncomingReport.Event report, long now) =>
        PutEvent(transaction, report.Device, report.Boot, report.Seq, report.Type, report.Subject, report.Detail, StoreJson.Write(report.Data), now);

    public static void PutEvent(WriteTransaction transaction, string device, long boot, long seq, string type, string subject, string detail, string data, long now)
    {
        transaction.Prepare("INSERT INTO device_events (device_id, boot, seq, type, subject, detail, data, at) VALUES (@0, @1, @2, @3, @4, @5, @6, @7)")
            .Execute(device, boot, seq, type, subject, detail, data, now);
        transaction.Prepare(
            """
            DELETE FROM device_events WHERE device_id = @0 AND id <=
                (SELECT id FROM device_events WHERE device_id = @0 ORDER BY id DESC LIMIT 1 OFFSET @1)
            """).Execute(device, EventsKept);
    }

    public static bool HasEvent(WriteTransaction transaction, string device, string type, string subject) => transaction.Prepare(
        "SELECT COUNT(*) FROM device_events WHERE device_id = @0 AND type = @1 AND subject = @2").QueryOne(row => row.GetInt64(0), device, type, subject) > 0;

    public static IReadOnlyList<DeviceEventRow> ListEvents(ReadSession session, string device, int limit) => session.Query<DeviceEventRow>(
        "SELECT * FROM device_events WHERE device_id = @device ORDER BY id DESC LIMIT @limit", new { device, limit });
}

internal sealed record DeviceEventRow
{
    public long Id { get; init; }
    public string DeviceId { get; init; } = "";
    public long Boot { get; init; }
    public long Seq { get; init; }
    public string Type { get; init; } = "";
    public string Subject { get; init; } = "";
    public string Detail { get; init; } = "";
    public string Data { get; init; } = "{}";
    public long At { get; init; }
}
