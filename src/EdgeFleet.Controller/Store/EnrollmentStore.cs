namespace EdgeFleet.Controller.Store;

internal sealed record TokenRow
{
    public string TokenSha256 { get; init; } = "";
    public string? DeviceId { get; init; }
    public string? DeviceGroup { get; init; }
    public int UsesLeft { get; init; }
    public long ExpiresAt { get; init; }
    public bool AutoApprove { get; init; }
    public string Labels { get; init; } = "{}";
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
}

internal sealed record CertificateRow
{
    public string Serial { get; init; } = "";
    public string DeviceId { get; init; } = "";
    public string SpkiSha256 { get; init; } = "";
    public string ChainPem { get; init; } = "";
    public long IssuedAt { get; init; }
    public long NotAfter { get; init; }
    public long? SupersededAt { get; init; }
}

/// <summary>Tokens, who used them, and the certificates that were issued.</summary>
internal static class EnrollmentStore
{
    private const int CertificatesKept = 4;

    public static void AddToken(WriteTransaction transaction, TokenRow row) => transaction.Execute(
        """
        INSERT INTO enrollment_tokens (token_sha256, device_id, device_group, uses_left, expires_at, auto_approve, labels, created_by, created_at)
        VALUES (@TokenSha256, @DeviceId, @DeviceGroup, @UsesLeft, @ExpiresAt, @AutoApprove, @Labels, @CreatedBy, @CreatedAt)
        """,
        row);

    public static TokenRow? FindToken(ReadSession session, string tokenSha256) =>
        session.QueryOne<TokenRow>("SELECT * FROM enrollment_tokens WHERE token_sha256 = @tokenSha256", new { tokenSha256 });

    public static void UseToken(WriteTransaction transaction, string tokenSha256, string spkiSha256, string deviceId, long at)
    {
        transaction.Execute("UPDATE enrollment_tokens SET uses_left = uses_left - 1 WHERE token_sha256 = @tokenSha256", new { tokenSha256 });
        transaction.Execute(
            "INSERT INTO enrollments (token_sha256, spki_sha256, device_id, at) VALUES (@tokenSha256, @spkiSha256, @deviceId, @at)",
            new { tokenSha256, spkiSha256, deviceId, at });
    }

    /// <summary>The device that came in with this token and this key, where one did.</summary>
    public static string? FindEnrolled(ReadSession session, string tokenSha256, string spkiSha256) => session.QueryOne<string>(
        "SELECT device_id FROM enrollments WHERE token_sha256 = @tokenSha256 AND spki_sha256 = @spkiSha256", new { tokenSha256, spkiSha256 });

    public static void AddCertificate(WriteTransaction transaction, CertificateRow row) => transaction.Execute(
        """
        INSERT INTO certificates (serial, device_id, spki_sha256, chain_pem, issued_at, not_after)
        VALUES (@Serial, @DeviceId, @SpkiSha256, @ChainPem, @IssuedAt, @NotAfter)
        """,
        row);

    public static CertificateRow? FindCertificate(ReadSession session, string serial) =>
        session.QueryOne<CertificateRow>("SELECT * FROM certificates WHERE serial = @serial", new { serial });

    /// <summary>The newest certificate of a key, so that a repeated request gets the same answer.</summary>
    public static CertificateRow? FindCertificateOfKey(ReadSession session, string deviceId, string spkiSha256) => session.QueryOne<CertificateRow>(
        "SELECT * FROM certificates WHERE device_id = @deviceId AND spki_sha256 = @spkiSha256 ORDER BY issued_at DESC LIMIT 1",
        new { deviceId, spkiSha256 });

    /// <summary>0 where it has none.</summary>
    public static long NewestIssuedAt(ReadSession session, string deviceId) =>
        session.QueryOne<long>("SELECT COALESCE(MAX(issued_at), 0) FROM certificates WHERE device_id = @deviceId", new { deviceId });

    /// <summary>Called when a newer certificate is first used: the older ones have a day left.</summary>
    public static int SupersedeOlder(WriteTransaction transaction, CertificateRow used, long at) => transaction.Execute(
        "UPDATE certificates SET superseded_at = @at WHERE device_id = @DeviceId AND issued_at < @IssuedAt AND superseded_at IS NULL",
        new { at, used.DeviceId, used.IssuedAt });

    public static bool HasOlderInUse(ReadSession session, CertificateRow used) => session.QueryOne<long>(
        "SELECT COUNT(*) FROM certificates WHERE device_id = @DeviceId AND issued_at < @IssuedAt AND superseded_at IS NULL", used) > 0;

    /// <summary>
    /// Bounds the rows of a device that renews again and again: kept are the newest, of which it may have lost the answers, and
    /// the one that it has shown, which may be the only one that it has.
    /// </summary>
    public static void TrimCertificates(WriteTransaction transaction, string deviceId, string shown) => transaction.Execute(
        """
        DELETE FROM certificates WHERE device_id = @deviceId AND serial <> @shown AND serial NOT IN
            (SELECT serial FROM certificates WHERE device_id = @deviceId ORDER BY issued_at DESC, rowid DESC LIMIT @kept)
        """,
        new { deviceId, shown, kept = CertificatesKept });

    public static int RemoveExpired(WriteTransaction transaction, long before)
    {
        transaction.Execute("DELETE FROM enrollment_tokens WHERE expires_at < @before AND token_sha256 NOT IN (SELECT token_sha256 FROM enrollments)", new { before });
        return transaction.Execute("DELETE FROM certificates WHERE not_after < @before", new { before });
    }
}
