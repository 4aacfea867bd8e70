using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// A certificate of the controller's own that is issued again when a month of its life is left, so that a process that runs
/// for a year never shows an expired one; where its issuer gives it less, once an hour. Whoever holds the old one goes on using it; it is not disposed under them.
/// </summary>
internal sealed class RenewedIdentity : IDisposable
{
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_atMostEach = TimeSpan.FromHours(1);
    private readonly Func<ServerCertificate> _issue;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private PemIdentity _current;
    private DateTimeOffset _renewAt;

    public RenewedIdentity(Func<ServerCertificate> issue, TimeProvider time)
    {
        _issue = issue;
        _time = time;
        (_current, _renewAt) = Issue();
    }

    public PemIdentity Current
    {
        get
        {
            lock (_lock)
            {
                if (_time.GetUtcNow() >= _renewAt)
                {
                    (_current, _renewAt) = Issue();
                }
                return _current;
            }
        }
    }

    public void Dispose() => _current.Dispose();

    private (PemIdentity, DateTimeOffset) Issue()
    {
        ServerCertificate certificate = _issue();
        DateTimeOffset soonest = _time.GetUtcNow() + s_atMostEach;
        DateTimeOffset due = certificate.NotAfter - s_renewBefore;
        return (PemIdentity.Load(certificate.ChainPem, certificate.KeyPem), due > soonest ? due : soonest);
    }
}
