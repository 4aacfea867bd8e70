using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Support.Controller;

/// <summary>Lets devices in by the product's own rules, and misbehaves where a test asks for it.</summary>
internal sealed class ScriptedEnrollment(CertificateAuthority authority, TimeProvider time) : Wire.Enrollment.EnrollmentBase
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TokenGrant> _grants = [];
    private readonly Dictionary<string, (string KeyId, string Token, IssuedCertificate Certificate)> _devices = [];

    public string DeviceUrl { get; set; } = "";
    public string ReleaseKeyPem { get; set; } = TestArtifacts.Key.PublicPem();

    /// <summary>Runs when everything is decided and stored and the answer has not left yet.</summary>
    public Func<ServerCallContext, Task> BeforeAnswer { get; set; } = static _ => Task.CompletedTask;
    public Func<Wire.EnrollResponse, Wire.EnrollResponse> Answer { get; set; } = static answer => answer;
    public Func<Wire.RenewResponse, ServerCallContext, Task<Wire.RenewResponse>> Renewal { get; set; } = static (answer, _) => Task.FromResult(answer);

    public int Calls { get; private set; }
    public int Renewals { get; private set; }

    /// <summary>Each device that was let in, with the key that it enrolled with.</summary>
    public IReadOnlyDictionary<string, string> Devices
    {
        get { lock (_gate) { return _devices.ToDictionary(pair => pair.Key, pair => pair.Value.KeyId); } }
    }

    public string Grant(string? deviceId = null, TimeSpan? lifetime = null, bool autoApprove = true)
    {
        string token = EnrollmentToken.Create();
        lock (_gate)
        {
            _grants[EnrollmentToken.Hash(token)!] = new TokenGrant(deviceId, 1, time.GetUtcNow() + (lifetime ?? TimeSpan.FromMinutes(15)), autoApprove);
        }
        return token;
    }

    public override async Task<Wire.EnrollResponse> Enroll(Wire.EnrollRequest request, ServerCallContext context)
    {
        Wire.EnrollResponse response = Decide(request);
        await BeforeAnswer(context);
        return Answer(response);
    }

    public override async Task<Wire.RenewResponse> Renew(Wire.RenewRequest request, ServerCallContext context)
    {
        string device = ScriptedController.Caller(context);
        Wire.RenewResponse response = new() { CertificateChainPem = authority.IssueDevice(device, request.CertificateRequest.Span).ChainPem, RootPem = authority.RootPem };
        Renewals++;
        return await Renewal(response, context);
    }

    private Wire.EnrollResponse Decide(Wire.EnrollRequest request)
    {
        lock (_gate)
        {
            Calls++;
            string hash = EnrollmentToken.Hash(request.Token) ?? "";
            string keyId = CertificateRequests.PublicKeyId(request.CertificateRequest.Span);
            TokenGrant? grant = _grants.GetValueOrDefault(hash);
            KnownDevice? known = _devices.TryGetValue(request.DeviceId, out var device) ? new KnownDevice(device.KeyId, device.Token == hash, true, false) : null;
            switch (EnrollmentRules.Decide(grant, known, request.DeviceId, keyId, time.GetUtcNow()))
            {
                case EnrollmentDecision.Refuse refuse:
                    throw new RpcException(new Status(StatusCode.PermissionDenied, refuse.Reason));
                case EnrollmentDecision.Admit or EnrollmentDecision.Readmit:
                    _grants[hash] = grant! with { UsesLeft = grant.UsesLeft - 1 };
                    _devices[request.DeviceId] = (keyId, hash, authority.IssueDevice(request.DeviceId, request.CertificateRequest.Span));
                    break;
            }
            Wire.EnrollResponse response = new()
            {
                State = Wire.EnrollResponse.Types.State.Enrolled,
                DeviceId = request.DeviceId,
                Tenant = "default",
                CertificateChainPem = _devices[request.DeviceId].Certificate.ChainPem,
                RootPem = authority.RootPem,
                DeviceUrl = DeviceUrl,
            };
            response.ReleaseKeysPem.Add(ReleaseKeyPem);
            return response;
        }
    }
}
