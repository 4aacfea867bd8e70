using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Core.Devices;
using EdgeFleet.Protocol;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>Enrolment over gRPC: Enroll on the listener without client certificates, Renew on the device plane.</summary>
internal sealed class EnrollmentService(
    EnrollmentDesk desk, DeviceCaller caller, FleetAuthority authority, ReleaseKeys releaseKeys, SyncSettings settings, Listeners listeners)
    : Wire.Enrollment.EnrollmentBase
{
    private const int MaximumLabels = 32;
    private const uint RetryAfterMs = 1000;

    public override async Task<Wire.EnrollResponse> Enroll(Wire.EnrollRequest request, ServerCallContext context)
    {
        listeners.Require(context.GetHttpContext(), Plane.Enroll);
        EnrollOutcome outcome;
        try
        {
            outcome = await desk.EnrollAsync(Read(request), context.CancellationToken);
        }
        catch (Exception ex) when (ex is FormatException or OverflowException)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, ex.Message));
        }
        Wire.EnrollResponse response = new() { Tenant = settings.Tenant, DeviceUrl = listeners.DeviceUrl, RootPem = authority.RootPem };
        if (releaseKeys.Current is { Faults: [var fault, ..] })
        {
            // Its ring is set once, here: without a key that is just being copied it would refuse what that key signs for ever.
            throw new RpcException(new Status(StatusCode.Unavailable, $"a release key of this controller cannot be read, so nobody is enrolled: {fault}"));
        }
        response.ReleaseKeysPem.AddRange(releaseKeys.Current.Pems);
        switch (outcome)
        {
            case EnrollOutcome.Enrolled enrolled:
                response.State = Wire.EnrollResponse.Types.State.Enrolled;
                response.DeviceId = enrolled.DeviceId;
                response.CertificateChainPem = enrolled.ChainPem;
                return response;
            case EnrollOutcome.Pending pending:
                response.State = Wire.EnrollResponse.Types.State.Pending;
                response.DeviceId = pending.DeviceId;
                response.RetryAfterMs = RetryAfterMs;
                return response;
            case EnrollOutcome.Refused refused:
                throw new RpcException(new Status(StatusCode.PermissionDenied, refused.Reason));
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public override async Task<Wire.RenewResponse> Renew(Wire.RenewRequest request, ServerCallContext context)
    {
        listeners.Require(context.GetHttpContext(), Plane.Device);
        (string deviceId, string serial) = await caller.RequireForRenewalAsync(context);
        try
        {
            return new Wire.RenewResponse
            {
                CertificateChainPem = await desk.RenewAsync(deviceId, serial, request.CertificateRequest.ToByteArray(), context.CancellationToken),
                RootPem = authority.RootPem,
            };
        }
        catch (FormatException ex)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, ex.Message));
        }
    }

    private static EnrollAttempt Read(Wire.EnrollRequest request)
    {
        HardwareFacts? facts = request.Facts is null ? null : DesiredMapping.ToCore(new Wire.DeviceFacts(request.Facts)
        {
            Board = ReportText.Clean(request.Facts.Board, 64),
            PowerMode = ReportText.Clean(request.Facts.PowerMode, 64),
            Runtime = ReportText.Clean(request.Facts.Runtime, 64),
            Provider = ReportText.Clean(request.Facts.Provider, 64),
        });
        return new EnrollAttempt(
            request.Token, request.DeviceId, request.CertificateRequest.ToByteArray(), facts,
            ReportText.CleanMap("labels", request.Labels, MaximumLabels),
            ReportText.Clean(request.AgentVersion, 64));
    }
}
