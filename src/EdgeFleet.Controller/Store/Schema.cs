namespace EdgeFleet.Controller.Store;

/// <summary>The tables, by area. Times are milliseconds since 1970 by the controller's clock unless a name says device.</summary>
internal static class Schema
{
    public const string Fleet = """
        CREATE TABLE controller (
            id     INTEGER PRIMARY KEY CHECK (id = 1),
            epoch  INTEGER NOT NULL,
            tenant TEXT NOT NULL
        );
        CREATE TABLE operators (
            name         TEXT PRIMARY KEY,
            role         TEXT NOT NULL,
            token_sha256 TEXT NOT NULL UNIQUE,
            created_at   INTEGER NOT NULL
        );
        CREATE TABLE audit (
            seq      INTEGER PRIMARY KEY,
            at       INTEGER NOT NULL,
            actor    TEXT NOT NULL,
            act      TEXT NOT NULL,
            subject  TEXT NOT NULL,
            detail   TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash     TEXT NOT NULL
        );
        CREATE TABLE enrollment_tokens (
            token_sha256 TEXT PRIMARY KEY,
            device_id    TEXT,
            device_group TEXT,
            uses_left    INTEGER NOT NULL,
            expires_at   INTEGER NOT NULL,
            auto_approve INTEGER NOT NULL,
            labels       TEXT NOT NULL,
            created_by   TEXT NOT NULL,
            created_at   INTEGER NOT NULL
        );
        CREATE TABLE enrollments (
            token_sha256 TEXT NOT NULL,
            spki_sha256  TEXT NOT NULL,
            device_id    TEXT NOT NULL,
            at           INTEGER NOT NULL,
            PRIMARY KEY (token_sha256, spki_sha256)
        ) WITHOUT ROWID;
        CREATE TABLE devices (
            id              TEXT PRIMARY KEY,
            state           TEXT NOT NULL,
            spki_sha256     TEXT NOT NULL,
            labels          TEXT NOT NULL,
            fixed_labels    TEXT NOT NULL,
            facts           TEXT NOT NULL,
            hardware_class  TEXT NOT NULL,
            agent_version   TEXT NOT NULL,
            enrolled_at     INTEGER NOT NULL,
            approved_at     INTEGER,
            revoked_at      INTEGER,
            revoked_reason  TEXT,
            presence_epoch  INTEGER NOT NULL DEFAULT 0,
            online          INTEGER NOT NULL DEFAULT 0,
            presence_at     INTEGER,
            last_seen_at    INTEGER,
            reported_boot   INTEGER NOT NULL DEFAULT 0,
            reported_seq    INTEGER NOT NULL DEFAULT 0,
            reported_generation INTEGER NOT NULL DEFAULT 0,
            reported_at     INTEGER
        );
        CREATE TABLE certificates (
            serial      TEXT PRIMARY KEY,
            device_id   TEXT NOT NULL REFERENCES devices (id),
            spki_sha256 TEXT NOT NULL,
            chain_pem   TEXT NOT NULL,
            issued_at   INTEGER NOT NULL,
            not_after   INTEGER NOT NULL,
            superseded_at INTEGER
        );
        CREATE INDEX certificates_device ON certificates (device_id);

        """;

    public const string Artifacts = """
        CREATE TABLE artifacts (
            digest          TEXT PRIMARY KEY,
            model           TEXT NOT NULL,
            version         TEXT NOT NULL,
            baseline        TEXT,
            envelope        BLOB NOT NULL,
            manifest        TEXT NOT NULL,
            key_id          TEXT NOT NULL,
            evidence        TEXT,
            override_reason TEXT,
            published_by    TEXT NOT NULL,
            published_at    INTEGER NOT NULL
        );
        CREATE INDEX artifacts_model ON artifacts (model);
        CREATE TABLE artifact_files (
            digest     TEXT NOT NULL REFERENCES artifacts (digest),
            path       TEXT NOT NULL,
            sha256     TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            PRIMARY KEY (digest, path)
        ) WITHOUT ROWID;
        CREATE INDEX artifact_files_content ON artifact_files (sha256);
        CREATE TABLE assignments (
            model      TEXT NOT NULL,
            selector   TEXT NOT NULL,
            digest     TEXT NOT NULL,
            rollout_id TEXT NOT NULL,
            attempt    INTEGER NOT NULL,
            ordinal    INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (model, selector)
        ) WITHOUT ROWID;
        CREATE TABLE barred (
            model  TEXT NOT NULL,
            digest TEXT NOT NULL,
            reason TEXT NOT NULL,
            at     INTEGER NOT NULL,
            PRIMARY KEY (model, digest)
        ) WITHOUT ROWID;
        CREATE TABLE desired (
            device_id  TEXT PRIMARY KEY,
            generation INTEGER NOT NULL,
            epoch      INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE desired_models (
            device_id  TEXT NOT NULL,
            model      TEXT NOT NULL,
            digest     TEXT NOT NULL,
            goal       TEXT NOT NULL,
            reason     TEXT NOT NULL,
            rollout_id TEXT NOT NULL,
            attempt    INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            epoch      INTEGER NOT NULL,
            deadline   INTEGER,
            plan       TEXT NOT NULL,
            PRIMARY KEY (device_id, model)
        ) WITHOUT ROWID;
        CREATE INDEX desired_models_digest ON desired_models (model, digest);

        """;

    public const string Reports = """
        CREATE TABLE ledger (
            device_id  TEXT NOT NULL,
            boot       INTEGER NOT NULL,
            contiguous INTEGER NOT NULL,
            ahead      TEXT NOT NULL,
            PRIMARY KEY (device_id, boot)
        ) WITHOUT ROWID;
        CREATE TABLE slots (
            device_id     TEXT NOT NULL,
            model         TEXT NOT NULL,
            active        TEXT,
            previous      TEXT,
            golden        TEXT,
            serving_since_device INTEGER,
            changed_at    INTEGER NOT NULL,
            PRIMARY KEY (device_id, model)
        ) WITHOUT ROWID;
        CREATE INDEX slots_active ON slots (model, active);
        CREATE TABLE activations (
            model      TEXT NOT NULL,
            digest     TEXT NOT NULL,
            rollout_id TEXT NOT NULL,
            ordinal    INTEGER NOT NULL,
            at         INTEGER NOT NULL,
            PRIMARY KEY (model, digest)
        ) WITHOUT ROWID;
        CREATE TABLE deployments (
            device_id      TEXT NOT NULL,
            model          TEXT NOT NULL,
            digest         TEXT NOT NULL,
            rollout_id     TEXT NOT NULL,
            attempt        INTEGER NOT NULL,
            generation     INTEGER NOT NULL,
            phase          TEXT NOT NULL,
            code           TEXT NOT NULL,
            detail         TEXT NOT NULL,
            invariant      INTEGER NOT NULL,
            hardware_class TEXT NOT NULL,
            probation      TEXT,
            boot           INTEGER NOT NULL,
            seq            INTEGER NOT NULL,
            updated_at     INTEGER NOT NULL,
            PRIMARY KEY (device_id, model, rollout_id, attempt)
        ) WITHOUT ROWID;
        CREATE INDEX deployments_rollout ON deployments (rollout_id);
        CREATE TABLE benches (
            device_id       TEXT NOT NULL,
            rollout_id      TEXT NOT NULL,
            attempt         INTEGER NOT NULL,
            model           TEXT NOT NULL,
            digest          TEXT NOT NULL,
            baseline_digest TEXT NOT NULL,
            hardware_class  TEXT NOT NULL,
            evidence        TEXT NOT NULL,
            boot            INTEGER NOT NULL,
            seq             INTEGER NOT NULL,
            at              INTEGER NOT NULL,
            PRIMARY KEY (rollout_id, device_id, attempt)
        ) WITHOUT ROWID;
        CREATE TABLE ticks (
            id             INTEGER PRIMARY KEY,
            device_id      TEXT NOT NULL,
            rollout_id     TEXT NOT NULL,
            attempt        INTEGER NOT NULL,
            tick           INTEGER NOT NULL,
            digest         TEXT NOT NULL,
            hardware_class TEXT NOT NULL,
            evidence       TEXT NOT NULL,
            at             INTEGER NOT NULL,
            UNIQUE (rollout_id, device_id, attempt, tick)
        );
        CREATE INDEX ticks_order ON ticks (rollout_id, attempt, id);
        CREATE TABLE device_events (
            id        INTEGER PRIMARY KEY,
            device_id TEXT NOT NULL,
            boot      INTEGER NOT NULL,
            seq       INTEGER NOT NULL,
            type      TEXT NOT NULL,
            subject   TEXT NOT NULL,
            detail    TEXT NOT NULL,
            data      TEXT NOT NULL,
            at        INTEGER NOT NULL
        );
        CREATE INDEX device_events_device ON device_events (device_id, id);
        CREATE TABLE quarantine (
            id      INTEGER PRIMARY KEY,
            topic   TEXT NOT NULL,
            reason  TEXT NOT NULL,
            payload BLOB NOT NULL,
            at      INTEGER NOT NULL
        );

        """;

    /// <summary>
    /// A rollout tells a device to run its candidate and, when that is taken back, what was there before: two deployments, of
    /// which the second must not write over what the first came to.
    /// </summary>
    public const string DeploymentsByDigest = """
        CREATE TABLE deployments_by_digest (
            device_id      TEXT NOT NULL,
            model          TEXT NOT NULL,
            digest         TEXT NOT NULL,
            rollout_id     TEXT NOT NULL,
            attempt        INTEGER NOT NULL,
            generation     INTEGER NOT NULL,
            phase          TEXT NOT NULL,
            code           TEXT NOT NULL,
            detail         TEXT NOT NULL,
            invariant      INTEGER NOT NULL,
            hardware_class TEXT NOT NULL,
            probation      TEXT,
            boot           INTEGER NOT NULL,
            seq            INTEGER NOT NULL,
            updated_at     INTEGER NOT NULL,
            PRIMARY KEY (device_id, model, rollout_id, attempt, digest)
        ) WITHOUT ROWID;
        INSERT INTO deployments_by_digest SELECT
            device_id, model, digest, rollout_id, attempt, generation, phase, code, detail, invariant, hardware_class, probation, boot, seq, updated_at
        FROM deployments;
        DROP TABLE deployments;
        ALTER TABLE deployments_by_digest RENAME TO deployments;
        CREATE INDEX deployments_rollout ON deployments (rollout_id);

        """;

    /// <summary>
    /// What each device was ever told to do: only of that its evidence counts, and only for that is there room. Desired state
    /// forgets it at the next word, and reports come later than that.
    /// </summary>
    public const string Orders = """
        CREATE TABLE orders (
            device_id  TEXT NOT NULL,
            rollout_id TEXT NOT NULL,
            attempt    INTEGER NOT NULL,
            model      TEXT NOT NULL,
            digest     TEXT NOT NULL,
            PRIMARY KEY (device_id, rollout_id, attempt, model, digest)
        ) WITHOUT ROWID;
        CREATE INDEX orders_rollout ON orders (rollout_id);
        INSERT OR IGNORE INTO orders SELECT device_id, rollout_id, attempt, model, digest FROM desired_models;
        INSERT OR IGNORE INTO orders SELECT device_id, rollout_id, attempt, model, digest FROM deployments;

        """;

    /// <summary>Ids of the release keys that a device said it believes, with commas; empty where it has not said.</summary>
    public const string DeviceReleaseKeys = """
        ALTER TABLE devices ADD COLUMN release_keys TEXT NOT NULL DEFAULT '';

        """;

    public const string RunnerOfDevices = "ALTER TABLE devices ADD COLUMN runner TEXT NOT NULL DEFAULT 'unknown';";

    /// <summary>
    /// What webhooks are still to be told. Triggers write it in the transaction of the event itself, so none can be forgotten,
    /// and only while somebody wants to be told.
    /// </summary>
    public const string Webhooks = """
        CREATE TABLE webhooks (
            id              TEXT PRIMARY KEY,
            url             TEXT NOT NULL,
            secret          TEXT NOT NULL,
            events          TEXT NOT NULL,
            created_by      TEXT NOT NULL,
            created_at      INTEGER NOT NULL,
            delivered       INTEGER NOT NULL,
            missed          INTEGER NOT NULL DEFAULT 0,
            failures        INTEGER NOT NULL DEFAULT 0,
            retry_at        INTEGER NOT NULL DEFAULT 0,
            last_error      TEXT,
            last_success_at INTEGER
        );
        CREATE TABLE feed (
            id      INTEGER PRIMARY KEY AUTOINCREMENT,
            at      INTEGER NOT NULL,
            source  TEXT NOT NULL,
            type    TEXT NOT NULL,
            subject TEXT NOT NULL,
            data    TEXT NOT NULL
        );
        CREATE INDEX feed_at ON feed (at);
        CREATE TRIGGER rollout_events_to_feed AFTER INSERT ON rollout_events WHEN EXISTS (SELECT 1 FROM webhooks) BEGIN
            INSERT INTO feed (at, source, type, subject, data) SELECT NEW.at, 'rollouts/' || NEW.rollout_id, 'rollout.' || NEW.kind, NEW.hardware_class,
                json_object('rollout', NEW.rollout_id, 'name', name, 'model', model, 'hardwareClass', NEW.hardware_class, 'message', NEW.message)
            FROM rollouts WHERE id = NEW.rollout_id;
        END;
        CREATE TRIGGER device_events_to_feed AFTER INSERT ON device_events WHEN EXISTS (SELECT 1 FROM webhooks) BEGIN
            INSERT INTO feed (at, source, type, subject, data) VALUES (NEW.at, 'devices/' || NEW.device_id, 'device.' || NEW.type, NEW.subject,
                json_object('device', NEW.device_id, 'subject', NEW.subject, 'detail', NEW.detail, 'data', json(CASE WHEN json_valid(NEW.data) THEN NEW.data ELSE '{}' END)));
        END;
        """;

    public const string Rollouts = """
        CREATE TABLE rollouts (
            id         TEXT PRIMARY KEY,
            ordinal    INTEGER NOT NULL UNIQUE,
            name       TEXT NOT NULL,
            model      TEXT NOT NULL,
            digest     TEXT NOT NULL,
            attempt    INTEGER NOT NULL,
            state      TEXT NOT NULL,
            phase      TEXT NOT NULL,
            version    INTEGER NOT NULL,
            epoch      INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            ended_at   INTEGER
        );
        CREATE UNIQUE INDEX rollouts_running ON rollouts (model) WHERE ended_at IS NULL;
        CREATE TABLE rollout_events (
            rollout_id TEXT NOT NULL REFERENCES rollouts (id),
            seq        INTEGER NOT NULL,
            at         INTEGER NOT NULL,
            hardware_class TEXT NOT NULL,
            kind       TEXT NOT NULL,
            message    TEXT NOT NULL,
            PRIMARY KEY (rollout_id, seq)
        ) WITHOUT ROWID;
        CREATE TABLE verdicts (
            rollout_id     TEXT NOT NULL REFERENCES rollouts (id),
            seq            INTEGER NOT NULL,
            at             INTEGER NOT NULL,
            stage          INTEGER NOT NULL,
            hardware_class TEXT NOT NULL,
            decision       TEXT NOT NULL,
            stored         BLOB NOT NULL,
            PRIMARY KEY (rollout_id, seq)
        ) WITHOUT ROWID;
        CREATE TABLE policies (
            name       TEXT PRIMARY KEY,
            spec       TEXT NOT NULL,
            updated_by TEXT NOT NULL,
            updated_at INTEGER NOT NULL
        );
        CREATE TABLE rollbacks (
            id          TEXT PRIMARY KEY,
            ordinal     INTEGER NOT NULL UNIQUE,
            model       TEXT NOT NULL,
            from_digest TEXT NOT NULL,
            to_digest   TEXT,
            selector    TEXT NOT NULL,
            reason      TEXT NOT NULL,
            created_by  TEXT NOT NULL,
            created_at  INTEGER NOT NULL
        );
        CREATE TABLE rollback_devices (
            rollback_id TEXT NOT NULL REFERENCES rollbacks (id),
            device_id   TEXT NOT NULL,
            to_digest   TEXT NOT NULL,
            generation  INTEGER NOT NULL,
            done_at     INTEGER,
            PRIMARY KEY (rollback_id, device_id)
        ) WITHOUT ROWID;
        CREATE INDEX rollback_devices_open ON rollback_devices (device_id) WHERE done_at IS NULL;
        """;

    /// <summary>In which roles an operator may approve stages.</summary>
    public const string ApprovalRoles = """
        ALTER TABLE operators ADD COLUMN approves TEXT NOT NULL DEFAULT '';
        """;
}
