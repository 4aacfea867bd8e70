using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Devices;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// Lets devices in. The rule is <see cref="EnrollmentRules"/>; here its inputs are read, the certificate is made outside the
/// writer (it is the dear part), and the outcome is decided again and written in one transaction, so that of two keys that race
/// with one token exactly one gets in.
/// </summary>
internal sealed partial class EnrollmentDesk
{
    private static readonly HardwareFacts s_unknownFacts = new("unknown", 0, "default", "unknown", "unknown", 0);
    private readonly Database _database;
    private readonly FleetAuthority _authority;
    private readonly Assignments _assignments;
    private readonly AlarmLimit _alarms;
    private readonly TimeProvider _time;
    private readonly ILogger<EnrollmentDesk> _log;

    public EnrollmentDesk(Database database, FleetAuthority authority, Assignments assignments, TimeProvider time, ILogger<EnrollmentDesk> log)
    {
        _database = database;
        _authority = authority;
        _assignments = assignments;
        _alarms = new AlarmLimit(time);
        _time = time;
        _log = log;
    }

    /// <exception cref="FormatException">The request breaks a rule of form: name, token or certificate request.</exception>
    public async Task<EnrollOutcome> EnrollAsync(EnrollAttempt attempt, CancellationToken cancellationToken)
    {
        string publicKeyId = CertificateRequests.PublicKeyId(attempt.CertificateRequest);
        string tokenHash = EnrollmentToken.Hash(attempt.Token) ?? throw new FormatException($"enrolment token: expected {EnrollmentToken.Prefix} and 43 characters");
        TokenRow? token = await _database.ReadAsync(session => EnrollmentStore.FindToken(session, tokenHash), cancellationToken);
        string deviceId = Identifier.Require("device id", attempt.DeviceId.Length == 0 && token?.DeviceId is { } bound ? bound : attempt.DeviceId);

        (EnrollmentDecision decision, CertificateRow? certificate) = await _database.ReadAsync(
            session => (Decide(session, tokenHash, deviceId, publicKeyId), EnrollmentStore.FindCertificateOfKey(session, deviceId, publicKeyId)), cancellationToken);
        switch (decision)
        {
            case EnrollmentDecision.Refuse refuse:
                return await RefuseAsync(refuse, deviceId, cancellationToken);
            case EnrollmentDecision.Repeat { Approved: false }:
                return new EnrollOutcome.Pending(deviceId);
            case EnrollmentDecision.Repeat when certificate is not null && certificate.NotAfter > _time.NowMs():
                return new EnrollOutcome.Enrolled(deviceId, certificate.ChainPem);
        }

        bool approved = decision is EnrollmentDecision.Repeat or EnrollmentDecision.Admit { Approved: true } or EnrollmentDecision.Readmit { Approved: true };
        IssuedCertificate? issued = approved ? _authority.Authority.IssueDevice(deviceId, attempt.CertificateRequest) : null;
        (EnrollmentDecision final, EnrollOutcome outcome) = await _database.WriteAsync(
            $"enrol {deviceId}", transaction => Write(transaction, attempt, tokenHash, deviceId, publicKeyId, issued), cancellationToken);
        if (final is EnrollmentDecision.Refuse late)
        {
            return await RefuseAsync(late, deviceId, cancellationToken);
        }
        if (final is EnrollmentDecision.Admit)
        {
            LogAdmitted(deviceId, approved ? "enrolled" : "waits for approval");
        }
        else if (final is EnrollmentDecision.Readmit)
        {
            LogAdmitted(deviceId, "enrolled anew with the key that it has");
        }
        return outcome;
    }

    /// <summary>A new key for a device that has shown a certificate of its own.</summary>
    /// <param name="shown">Serial number of that certificate; it stays good until the new one is used.</param>
    /// <exception cref="FormatException">The certificate request cannot be used.</exception>
    public async Task<string> RenewAsync(string deviceId, string shown, byte[] certificateRequest, CancellationToken cancellationToken)
    {
        IssuedCertificate issued = _authority.Authority.IssueDevice(deviceId, certificateRequest);
        await _database.WriteAsync(
            $"renew {deviceId}",
            transaction =>
            {
                AddCertificate(transaction, deviceId, issued);
                EnrollmentStore.TrimCertificates(transaction, deviceId, shown);
            },
            cancellationToken);
        LogRenewed(deviceId, issued.NotAfter);
        return issued.ChainPem;
    }

    private EnrollmentDecision Decide(ReadSession session, string tokenHash, string deviceId, string publicKeyId)
    {
        TokenRow? token = EnrollmentStore.FindToken(session, tokenHash);
        DeviceRow? device = DeviceStore.Find(session, deviceId);
        return EnrollmentRules.Decide(
            token is null ? null : new TokenGrant(token.DeviceId, token.UsesLeft, Clock.FromMs(token.ExpiresAt), token.AutoApprove),
            device is null ? null : new KnownDevice(
                device.SpkiSha256, EnrollmentStore.FindEnrolled(session, tokenHash, publicKeyId) == deviceId,
                device.State == DeviceStates.Active, device.State == DeviceStates.Revoked),
            deviceId, publicKeyId, _time.GetUtcNow());
    }

    private (EnrollmentDecision, EnrollOutcome) Write(
        WriteTransaction transaction, EnrollAttempt attempt, string tokenHash, string deviceId, string publicKeyId, IssuedCertificate? issued)
    {
        EnrollmentDecision decision = Decide(transaction, tokenHash, deviceId, publicKeyId);
        if (decision is EnrollmentDecision.Refuse refuse)
        {
            return (decision, new EnrollOutcome.Refused(refuse.Reason));
        }
        if (decision is EnrollmentDecision.Admit admit)
        {
            TokenRow token = EnrollmentStore.FindToken(transaction, tokenHash)!;
            EnrollmentStore.UseToken(transaction, tokenHash, publicKeyId, deviceId, _time.NowMs());
            DeviceRow device = NewDevice(attempt, token, deviceId, publicKeyId, admit.Approved);
            DeviceStore.Add(transaction, device);
            if (admit.Approved)
            {
                _assignments.ApplyTo(transaction, device);
            }
        }
        else if (decision is EnrollmentDecision.Readmit)
        {
            EnrollmentStore.UseToken(transaction, tokenHash, publicKeyId, deviceId, _time.NowMs());
            AuditStore.Append(transaction, _time.NowMs(), "enrolment", "device.readmitted", deviceId, "with a new token and the key that it has");
        }
        else if (EnrollmentStore.FindCertificateOfKey(transaction, deviceId, publicKeyId) is { } first && first.NotAfter > _time.NowMs())
        {
            // Two repeats of one request met here: both get the first answer.
            return (decision, new EnrollOutcome.Enrolled(deviceId, first.ChainPem));
        }
        if (issued is null)
        {
            return (decision, new EnrollOutcome.Pending(deviceId));
        }
        AddCertificate(transaction, deviceId, issued);
        return (decision, new EnrollOutcome.Enrolled(deviceId, issued.ChainPem));
    }

    private DeviceRow NewDevice(EnrollAttempt attempt, TokenRow token, string deviceId, string publicKeyId, bool approved)
    {
        HardwareFacts facts = attempt.Facts ?? s_unknownFacts;
        Dictionary<string, string> fixedLabels = StoreJson.ReadMap(token.Labels);
        if (token.DeviceGroup is { } group)
        {
            fixedLabels["group"] = group;
        }
        Dictionary<string, string> labels = new(attempt.Labels, StringComparer.Ordinal);
        foreach ((string name, string value) in fixedLabels)
        {
            labels[name] = value;
        }
        long now = _time.NowMs();
        return new DeviceRow
        {
            Id = deviceId,
            State = approved ? DeviceStates.Active : DeviceStates.Pending,
            SpkiSha256 = publicKeyId,
            Labels = StoreJson.Write(labels),
            FixedLabels = StoreJson.Write(fixedLabels),
            Facts = StoreJson.Write(facts),
            HardwareClass = facts.ClassId,
            AgentVersion = attempt.AgentVersion,
            EnrolledAt = now,
            ApprovedAt = approved ? now : null,
        };
    }

    private void AddCertificate(WriteTransaction transaction, string deviceId, IssuedCertificate issued)
    {
        EnrollmentStore.AddCertificate(transaction, new CertificateRow
        {
            Serial = issued.SerialNumber,
            DeviceId = deviceId,
            SpkiSha256 = issued.PublicKeyId,
            ChainPem = issued.ChainPem,
            IssuedAt = _time.NowMs(),
            NotAfter = issued.NotAfter.ToUnixTimeMilliseconds(),
        });
        DeviceStore.SetKey(transaction, deviceId, issued.PublicKeyId);
    }

    private async Task<EnrollOutcome> RefuseAsync(EnrollmentDecision.Refuse refuse, string deviceId, CancellationToken cancellationToken)
    {
        LogRefused(deviceId, refuse.Reason);
        // Anyone who reaches the port can be refused; the log of acts must not grow at a stranger's pace.
        if (refuse.Alarm && _alarms.TryTake())
        {
            await _database.WriteAsync(
                "audit enrolment", transaction => AuditStore.Append(transaction, _time.NowMs(), "enrolment", "enrolment.refused", deviceId, refuse.Reason), cancellationToken);
        }
        return new EnrollOutcome.Refused(refuse.Reason);
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Device {DeviceId} {Outcome}")]
    private partial void LogAdmitted(string deviceId, string outcome);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Enrolment as {DeviceId} refused: {Reason}")]
    private partial void LogRefused(string deviceId, string reason);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "Device {DeviceId} has a new certificate, good until {NotAfter}")]
    private partial void LogRenewed(string deviceId, DateTimeOffset notAfter);
}
