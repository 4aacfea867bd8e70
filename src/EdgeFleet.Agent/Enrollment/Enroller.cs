using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Devices;
using EdgeFleet.Protocol;
using EdgeFleet.Trust;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>
/// Makes this device a member of a fleet. Safe to repeat: the key is made once, and the same token with the same key gives the
/// same answer. A bundle with another token enrols a member anew, by the key that it has and with all that it holds.
/// </summary>
public sealed class Enroller(StateFolder state, TimeProvider time)
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    /// <summary>How long one call may take.</summary>
    internal TimeSpan CallLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The folder is that of a member, and this bundle is not the one that let it in.</summary>
    public bool EnrolsAnew(EnrollmentBundle bundle) => new IdentityFiles(state).Document is { } known && known.TokenSha256 != EnrollmentToken.Hash(bundle.Token);

    /// <param name="pending">Called at each answer that an operator has to approve first.</param>
    /// <returns>What was stored, and whether it was there before.</returns>
    /// <exception cref="EnrollmentRefusedException">The token, the name or the controller is the wrong one.</exception>
    /// <exception cref="RpcException">The controller cannot be reached.</exception>
    public async Task<(EnrollmentDocument Document, bool WasEnrolled)> EnrollAsync(
        EnrollmentBundle bundle, string deviceId, HardwareFacts facts, IReadOnlyDictionary<string, string> labels, Action<TimeSpan>? pending, CancellationToken cancellationToken)
    {
        state.Prepare();
        IdentityFiles files = new(state);
        if (files.Document is { } known)
        {
            if (!known.RootPin.Equals(bundle.RootPin, StringComparison.OrdinalIgnoreCase) || known.DeviceId != deviceId)
            {
                throw new EnrollmentRefusedException(
                    $"'{state.Root}' is enrolled as '{known.DeviceId}' with a fleet whose root has pin {known.RootPin}; for device '{deviceId}' and root {bundle.RootPin} use another state folder");
            }
            if (!EnrolsAnew(bundle))
            {
                return (known, true);
            }
        }
        using ECDsa key = files.LoadOrCreateKey();
        Wire.EnrollRequest request = new()
        {
            Token = bundle.Token,
            DeviceId = deviceId,
            CertificateRequest = ByteString.CopyFrom(CertificateRequests.Create(key, deviceId)),
            Facts = DesiredMapping.ToWire(facts),
            AgentVersion = AgentVersion.Text,
        };
        request.Labels.Add(labels.ToDictionary());

        using GrpcChannel channel = DeviceChannel.Create(bundle.EnrollUrl, bundle.RootPem, identity: null, time);
        Wire.Enrollment.EnrollmentClient client = new(channel);
        while (true)
        {
            Wire.EnrollResponse response;
            try
            {
                response = await client.EnrollAsync(request, deadline: DateTime.UtcNow + CallLimit, cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException ex) when (ex.StatusCode is StatusCode.PermissionDenied or StatusCode.InvalidArgument or StatusCode.Unauthenticated)
            {
                throw new EnrollmentRefusedException($"the controller at {bundle.EnrollUrl} refused device '{deviceId}': {ex.Status.Detail}", ex);
            }
            if (response.State == Wire.EnrollResponse.Types.State.Enrolled)
            {
                return (Store(files, key, bundle, response, labels), false);
            }
            TimeSpan pause = TimeSpan.FromMilliseconds(Math.Clamp(response.RetryAfterMs, 100, s_longestPause.TotalMilliseconds));
            pending?.Invoke(pause);
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private EnrollmentDocument Store(
        IdentityFiles files, ECDsa key, EnrollmentBundle bundle, Wire.EnrollResponse response, IReadOnlyDictionary<string, string> labels)
    {
        try
        {
            using X509Certificate2 root = X509Certificate2.CreateFromPem(response.RootPem);
            string pin = Keys.Pin(root);
            if (!pin.Equals(bundle.RootPin, StringComparison.OrdinalIgnoreCase))
            {
                throw new EnrollmentRefusedException($"the controller at {bundle.EnrollUrl} gave a root with pin {pin}, pinned is {bundle.RootPin}");
            }
            // What the controller says is checked before it is stored: a broken answer must not leave half an identity.
            using PemIdentity identity = PemIdentity.Load(response.CertificateChainPem, key.ExportPkcs8PrivateKeyPem());
            string deviceId = Identifier.Require("device id of the certificate", identity.CommonName);
            EnrollmentDocument document = new()
            {
                DeviceId = deviceId == response.DeviceId ? deviceId : throw new FormatException($"the certificate is for '{deviceId}', the answer for '{response.DeviceId}'"),
                Tenant = Identifier.Require("tenant", response.Tenant),
                Endpoints = new EnrolledEndpoints(response.DeviceUrl, bundle.EnrollUrl),
                RootPin = pin,
                // A controller that was taken over has keys of its own to offer: what came with the bundle comes first, and alone.
                ReleaseKeys = bundle.ReleaseKeys ?? [.. response.ReleaseKeysPem],
                Labels = labels,
                EnrolledAt = time.GetUtcNow(),
                TokenSha256 = EnrollmentToken.Hash(bundle.Token),
            };
            Trust.Envelopes.ReleaseKeyRing.FromPem(document.ReleaseKeys);
            files.Store(response.CertificateChainPem, response.RootPem, document);
            return document;
        }
        catch (Exception ex) when (ex is FormatException or CryptographicException)
        {
            throw new EnrollmentRefusedException($"the controller at {bundle.EnrollUrl} gave an answer that cannot be used: {ex.Message}", ex);
        }
    }
}

/// <summary>This device is not let in; trying again with the same bundle changes nothing.</summary>
public sealed class EnrollmentRefusedException(string message, Exception? inner = null) : Exception(message, inner);
