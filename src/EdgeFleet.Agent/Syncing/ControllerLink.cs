using System.Security.Cryptography;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Trust.Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Syncing;

/// <summary>
/// The channel to the controller with the certificate of now. Renews that certificate between half and two thirds of its
/// life, with a new key, and makes a new channel then.
/// </summary>
internal sealed partial class ControllerLink : IDisposable
{
    private readonly IdentityFiles _files;
    private readonly EnrollmentDocument _document;
    private readonly TimeProvider _time;
    private readonly ILogger<ControllerLink> _log;
    private readonly Lock _gate = new();
    private readonly double _renewAt = 0.5 + (Random.Shared.NextDouble() / 6);
    private PemIdentity _identity;
    private GrpcChannel _channel;

    public ControllerLink(IdentityFiles files, EnrollmentDocument document, TimeProvider time, ILogger<ControllerLink> log)
    {
        _files = files;
        _document = document;
        _time = time;
        _log = log;
        RootPem = files.LoadRootPem();
        _identity = files.LoadIdentity();
        _channel = DeviceChannel.Create(document.Endpoints.DeviceUrl, RootPem, _identity, time);
    }

    public string RootPem { get; }

    public string Url => _document.Endpoints.DeviceUrl;

    public PemIdentity Identity
    {
        get { lock (_gate) { return _identity; } }
    }

    public GrpcChannel Channel
    {
        get { lock (_gate) { return _channel; } }
    }

    /// <summary>Renews the certificate where it is due; called while connected.</summary>
    /// <param name="now">The controller's time: the device's own may be wrong.</param>
    /// <returns>True: the channel is another one now.</returns>
    /// <exception cref="RpcException">The controller did not answer; asked again at the next beat.</exception>
    public async Task<bool> RenewIfDueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        PemIdentity identity = Identity;
        DateTimeOffset from = identity.Leaf.NotBefore, until = identity.Leaf.NotAfter;
        if (now < from + ((until - from) * _renewAt))
        {
            return false;
        }
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Wire.RenewResponse response = await new Wire.Enrollment.EnrollmentClient(Channel).RenewAsync(
            new Wire.RenewRequest { CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, _document.DeviceId)) },
            cancellationToken: cancellationToken).ConfigureAwait(false);
        PemIdentity renewed = PemIdentity.Load(response.CertificateChainPem, key.ExportPkcs8PrivateKeyPem());
        _files.Renew(key, response.CertificateChainPem);
        GrpcChannel old;
        lock (_gate)
        {
            old = _channel;
            _identity = renewed;
            _channel = DeviceChannel.Create(_document.Endpoints.DeviceUrl, RootPem, renewed, _time);
        }
        old.Dispose();
        LogRenewed(renewed.Leaf.NotAfter);
        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _channel.Dispose();
            _identity.Dispose();
        }
    }

    [LoggerMessage(EventId = 3031, Level = LogLevel.Information, Message = "The device's certificate is renewed with a new key; it is valid until {NotAfter}")]
    private partial void LogRenewed(DateTime notAfter);
}
