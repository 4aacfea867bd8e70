using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// Whether the holder of a certificate may come in now. Asked on each call, of the database: a device that was revoked is shut
/// out from its next call on, whatever its certificate says. One whose certificate has ended may renew it for a while.
/// </summary>
internal sealed class DeviceAccess(Database database, ControllerOptions options, TimeProvider time)
{
    /// <summary>How long a certificate is still taken after a newer one was first used.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromDays(1);

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
        if (row is null || row.DeviceId != deviceId)
        {
            return new DeviceAccessResult.Denied($"certificate {serial} of '{deviceId}' is not one that this controller knows; enrol the device with a new token ('edgefleet device token')");
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
}

internal abstract record DeviceAccessResult
{
    private DeviceAccessResult() { }

    public sealed record Allowed(string DeviceId) : DeviceAccessResult;

    /// <summary>Its certificate has ended, not long ago: it may renew it and nothing else.</summary>
    public sealed record Lapsed(string DeviceId, string Reason) : DeviceAccessResult;

    public sealed record Denied(string Reason) : DeviceAccessResult;
}
