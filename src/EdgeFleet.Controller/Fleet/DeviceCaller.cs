using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Enrollment;
using Grpc.Core;

namespace EdgeFleet.Controller.Fleet;

/// <summary>Who calls a service of the device plane: the holder of the connection's client certificate.</summary>
internal sealed class DeviceCaller(DeviceAccess access)
{
    /// <exception cref="RpcException">No certificate, one that has ended (UNAUTHENTICATED: renew it), or its holder may not come in.</exception>
    public async Task<string> RequireAsync(ServerCallContext context) => await CheckAsync(context) switch
    {
        DeviceAccessResult.Allowed allowed => allowed.DeviceId,
        DeviceAccessResult.Lapsed lapsed => throw new RpcException(new Status(StatusCode.Unauthenticated, lapsed.Reason)),
        DeviceAccessResult.Denied denied => throw new RpcException(new Status(StatusCode.PermissionDenied, denied.Reason)),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The same for the one call that a certificate which has ended is still good for.</summary>
    public async Task<(string DeviceId, string Serial)> RequireForRenewalAsync(ServerCallContext context) => await CheckAsync(context) switch
    {
        DeviceAccessResult.Allowed allowed => (allowed.DeviceId, Certificate(context).SerialNumber),
        DeviceAccessResult.Lapsed lapsed => (lapsed.DeviceId, Certificate(context).SerialNumber),
        DeviceAccessResult.Denied denied => throw new RpcException(new Status(StatusCode.PermissionDenied, denied.Reason)),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private Task<DeviceAccessResult> CheckAsync(ServerCallContext context) => access.CheckAsync(Certificate(context), context.CancellationToken);

    private static X509Certificate2 Certificate(ServerCallContext context) => context.GetHttpContext().Connection.ClientCertificate
        ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "a client certificate is needed; enrol first"));
}
