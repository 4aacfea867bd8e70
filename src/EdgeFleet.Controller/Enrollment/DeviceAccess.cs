using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Store;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// Whether the holder of a certificate may come in now. Asked on each call, of the database: a device that was revoked is shut
/// out from its next call on, whatever its certificate says.
/// </summary>
internal sealed class DeviceAccess(Database database, TimeProvider time)
{
    /// <summary>How long a certificate is still taken after a newer one was first used.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromDays(1);

    public async Task<DeviceAccessResult> CheckAsync(X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        string deviceId = CertificateTrust.CommonName(certificate);
        string serial = certificate.SerialNumber;
        (CertificateRow? row, DeviceRow? device, bool newest) = await database.ReadAsync(
            session =>
            {
                CertificateRow? found = EnrollmentStore.FindCertificate(session, serial);
                return (found, DeviceStore.Find(session, deviceId), found is not null && EnrollmentStore.HasOlderInUse(session, found));
            },
            cancellationToken);
        if (row is null || row.DeviceId != deviceId)
        {
            return new DeviceAccessResult.Denied($"certificate {serial} of '{deviceId}' was not issued by this controller");
        }
        if (device is not { State: DeviceStates.Active })
        {
            return new DeviceAccessResult.Denied($"device '{deviceId}' is {device?.State ?? "not known"}");
        }
        if (row.SupersededAt is { } superseded && Clock.FromMs(superseded) + s_grace < time.GetUtcNow())
        {
            return new DeviceAccessResult.Denied($"certificate {serial} of device '{deviceId}' was replaced by a newer one");
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

    public sealed record Denied(string Reason) : DeviceAccessResult;
}
