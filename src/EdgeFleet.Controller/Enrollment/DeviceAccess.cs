using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Trust.Certificates;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// Whether the holder of a certificate may come in now. Asked on each call, of the database: a device that was revoked is shut
/// out from its next call on, whatever its certificate says. One whose certificate has ended may renew it for a while.
/// </summary>
internal sealed partial class DeviceAccess(
    Database database, FleetAuthority authority, ControllerOptions options, TimeProvider time, ILogger<DeviceAccess> log)
{
    /// <summary>How long a certificate is still taken after a newer one was first used.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromDays(1);

    private readonly AlarmLimit _alarms = new(time);

    public async Task<DeviceAccessResult> CheckAsync(X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        string deviceId = CertificateTrust.CommonName(certificate);
        string serial = certificate.SerialNumber;
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset end = certificate.NotAfter;
        if (end + options.RenewalGrace < now)
        {
            return new DeviceAccessResult.Denied(
                $"the certificate of device '{deviceId}' ended at {end.UtcDateTime:u} and could be renewed until {(end + options.RenewalGrace).UtcDateTime:u}; enrol the device with a new token ('edgefleet device token'), its models stay");
        }
        (CertificateRow? row, DeviceRow? device, bool newest) = await database.ReadAsync(
            session =>
            {
                CertificateRow? found = EnrollmentStore.FindCertificate(session, serial);
                return (found, DeviceStore.Find(session, deviceId), found is not null && EnrollmentStore.HasOlderInUse(session, found));
            },
            cancellationToken);
        if (row is null && await TakeInAsync(certificate, deviceId, cancellationToken) is { } taken)
        {
            row = taken;
        }
        if (row is null || row.DeviceId != deviceId)
        {
            return Refuse(deviceId, $"certificate {serial} of '{deviceId}' is not one that this controller knows; enrol the device with a new token ('edgefleet device token')");
        }
        if (device is not { State: DeviceStates.Active })
        {
            return new DeviceAccessResult.Denied($"device '{deviceId}' is {device?.State ?? "not known"}");
        }
        bool lapsed = end < now;
        if (row.SupersededAt is { } superseded && (lapsed || Clock.FromMs(superseded) + s_grace < now))
        {
            return new DeviceAccessResult.Denied($"certificate {serial} of device '{deviceId}' was replaced by a newer one");
        }
        if (lapsed)
        {
            return new DeviceAccessResult.Lapsed(deviceId, $"the certificate of device '{deviceId}' ended at {end.UtcDateTime:u}; it may be renewed, and nothing else be done with it");
        }
        if (newest)
        {
            await database.WriteAsync($"first use {deviceId}", transaction => EnrollmentStore.SupersedeOlder(transaction, row, time.NowMs()), cancellationToken);
        }
        return new DeviceAccessResult.Allowed(deviceId);
    }

    /// <summary>
    /// A certificate that the registry does not have although TLS has seen that our authority signed it: the registry may come
    /// from a backup that is older than it. It is believed where that explains it: the device is a member, and the certificate
    /// is younger than all that the registry has of it and older than this controller's start. What is older than one that is
    /// known was let go of on purpose (replaced, or of a device that was removed), and what this controller gave out it knows.
    /// </summary>
    private async Task<CertificateRow?> TakeInAsync(X509Certificate2 certificate, string deviceId, CancellationToken cancellationToken)
    {
        DateTimeOffset issued = CertificateAuthority.IssuedAt(certificate);
        if (!await database.ReadAsync(session => IsExplainedByARestore(session, deviceId, issued), cancellationToken))
        {
            return null;
        }
        return await database.WriteAsync(
            $"take in a certificate of {deviceId}",
            transaction =>
            {
                if (EnrollmentStore.FindCertificate(transaction, certificate.SerialNumber) is { } known)
                {
                    // Two calls met here.
                    return known;
                }
                return IsExplainedByARestore(transaction, deviceId, issued) ? TakeIn(transaction, certificate, deviceId, issued) : null;
            },
            cancellationToken);
    }

    private bool IsExplainedByARestore(ReadSession session, string deviceId, DateTimeOffset issued) =>
        // A certificate's times are whole seconds.
        issued < database.OpenedAt.AddSeconds(-1)
        && DeviceStore.Find(session, deviceId) is { State: DeviceStates.Active } device
        && issued > Clock.FromMs(Math.Max(device.EnrolledAt, EnrollmentStore.NewestIssuedAt(session, deviceId)));

    private CertificateRow TakeIn(WriteTransaction transaction, X509Certificate2 certificate, string deviceId, DateTimeOffset issued)
    {
        CertificateRow row = new()
        {
            Serial = certificate.SerialNumber,
            DeviceId = deviceId,
            SpkiSha256 = CertificateRequests.PublicKeyId(certificate),
            ChainPem = authority.Authority.ChainOf(certificate),
            IssuedAt = issued.ToUnixTimeMilliseconds(),
            NotAfter = new DateTimeOffset(certificate.NotAfter).ToUnixTimeMilliseconds(),
        };
        EnrollmentStore.AddCertificate(transaction, row);
        DeviceStore.SetKey(transaction, deviceId, row.SpkiSha256);
        AuditStore.Append(
            transaction, time.NowMs(), "controller", "certificate.taken-in", deviceId,
            $"certificate {row.Serial} of {issued:u} is of this fleet's authority and younger than all that the database has of the device: it was restored from a backup made before");
        transaction.AfterCommit(() => LogTakenIn(deviceId, row.Serial, issued));
        return row;
    }

    private DeviceAccessResult.Denied Refuse(string deviceId, string reason)
    {
        // It comes again every few seconds; the log needs to say so now and then.
        if (_alarms.TryTake())
        {
            LogRefused(deviceId, reason);
        }
        return new DeviceAccessResult.Denied(reason);
    }

    [LoggerMessage(EventId = 2022, Level = LogLevel.Warning, Message = "Device {DeviceId} has certificate {Serial} of {Issued}, which the registry did not know: the database was restored from an older backup. It is taken in, our authority signed it")]
    private partial void LogTakenIn(string deviceId, string serial, DateTimeOffset issued);

    [LoggerMessage(EventId = 2023, Level = LogLevel.Warning, Message = "Device {DeviceId} refused: {Reason}")]
    private partial void LogRefused(string deviceId, string reason);
}

internal abstract record DeviceAccessResult
{
    private DeviceAccessResult() { }

    public sealed record Allowed(string DeviceId) : DeviceAccessResult;

    /// <summary>Its certificate has ended, not long ago: it may renew it and nothing else.</summary>
    public sealed record Lapsed(string DeviceId, string Reason) : DeviceAccessResult;

    public sealed record Denied(string Reason) : DeviceAccessResult;
}
