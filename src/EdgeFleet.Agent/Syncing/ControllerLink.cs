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
    /// <summary>Far below three beats: a controller that hangs here must not cost the stream.</summary>
    private static readonly TimeSpan s_callLimit = TimeSpan.FromSeconds(10);

    private readonly IdentityFiles _files;
    private readonly EnrollmentDocument _document;
    private readonly TimeProvider _time;
    private readonly ILogger<ControllerLink> _log;
    private readonly Lock _gate = new();
    private readonly double _renewAt = 0.5 + (Random.Shared.NextDouble() / 6);
    private readonly Backoff _backoff = new(TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), Random.Shared);
    private long _failedAt;
    private TimeSpan _pause;
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
        if (_identity.CommonName != document.DeviceId)
        {
            // Every report would be refused and every call would speak for another device.
            throw new FormatException($"the certificate on this device is for '{_identity.CommonName}', its enrolment for '{document.DeviceId}'; enrol it again in an empty state folder");
        }
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

    /// <summary>
    /// Renews the certificate where it is due; called while connected. One that fails keeps the old certificate, says so, and is
    /// tried again after a pause that grows: the stream that it came up on is worth more than a renewal with weeks to go.
    /// </summary>
    /// <param name="now">The controller's time: the device's own may be wrong.</param>
    /// <returns>True: the channel is another one now.</returns>
    public async Task<bool> RenewIfDueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        PemIdentity identity = Identity;
        DateTimeOffset from = identity.Leaf.NotBefore, until = identity.Leaf.NotAfter;
        if (now < from + ((until - from) * _renewAt) || (_pause > TimeSpan.Zero && _time.GetElapsedTime(_failedAt) < _pause))
        {
            return false;
        }
        try
        {
            await RenewAsync(identity, now, cancellationToken).ConfigureAwait(false);
            _pause = TimeSpan.Zero;
            _backoff.Reset();
            return true;
        }
        catch (Exception ex) when (ex is RpcException or FormatException or IOException)
        {
            _failedAt = _time.GetTimestamp();
            _pause = _backoff.Next();
            // A controller that hung until the stream was given up must not take the next stream with it.
            cancellationToken.ThrowIfCancellationRequested();
            LogNotRenewed(ex is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : ex.Message, until.UtcDateTime, _pause);
            return false;
        }
    }

    /// <summary>
    /// Renews a certificate of which the controller says that it has ended: it is good for that alone. Not held back by the pause,
    /// because nothing else can be done before.
    /// </summary>
    public async Task<bool> RenewLapsedAsync(CancellationToken cancellationToken)
    {
        PemIdentity identity = Identity;
        try
        {
            // Nobody has said the time yet: a stream would, and that is what this certificate cannot open.
            await RenewAsync(identity, now: null, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception ex) when (ex is RpcException or FormatException or IOException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            LogLapsed(identity.Leaf.NotAfter.ToUniversalTime(), ex is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : ex.Message);
            return false;
        }
    }

    private async Task RenewAsync(PemIdentity inUse, DateTimeOffset? now, CancellationToken cancellationToken)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Wire.RenewResponse response = await new Wire.Enrollment.EnrollmentClient(Channel).RenewAsync(
            new Wire.RenewRequest { CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, _document.DeviceId)) },
            deadline: DateTime.UtcNow + s_callLimit,
            cancellationToken: cancellationToken).ConfigureAwait(false);
        PemIdentity renewed = RenewalAnswer.Check(response.CertificateChainPem, key, _document.DeviceId, RootPem, inUse, now);
        _files.Renew(key, response.CertificateChainPem);
        GrpcChannel old;
        lock (_gate)
        {
            old = _channel;
            _identity = renewed;
            _channel = DeviceChannel.Create(_document.Endpoints.DeviceUrl, RootPem, renewed, _time);
        }
        old.Dispose();
        LogRenewed(renewed.Leaf.NotAfter.ToUniversalTime());
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

    [LoggerMessage(EventId = 3033, Level = LogLevel.Error, Message = "The device's certificate ended at {NotAfter} and was not renewed ({Reason}); trying on. This device serves what it has; if the controller refuses for good, stop the agent and enrol anew with a bundle of a new token")]
    private partial void LogLapsed(DateTime notAfter, string reason);

    [LoggerMessage(EventId = 3032, Level = LogLevel.Warning, Message = "The device's certificate was not renewed ({Reason}); the old one stays in use and is valid until {NotAfter}, next attempt in {Pause} at the earliest")]
    private partial void LogNotRenewed(string reason, DateTime notAfter, TimeSpan pause);
}
