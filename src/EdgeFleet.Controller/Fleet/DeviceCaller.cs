using EdgeFleet.Controller.Enrollment;
using Grpc.Core;

namespace EdgeFleet.Controller.Fleet;

/// <summary>Who calls a service of the device plane: the holder of the connection's client certificate.</summary>
internal sealed class DeviceCaller(DeviceAccess access)
{
    /// <exception cref="RpcException">No certificate, or its holder may not come in.</exception>
    public async Task<string> RequireAsync(ServerCallContext context)
    {
        var certificate = context.GetHttpContext().Connection.ClientCertificate
            ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "a client certificate is needed; enrol first"));
        return await access.CheckAsync(certificate, context.CancellationToken) switch
        {
            DeviceAccessResult.Allowed allowed => allowed.DeviceId,
            DeviceAccessResult.Denied denied => throw new RpcException(new Status(StatusCode.PermissionDenied, denied.Reason)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
