using Grpc.Core.Wire;

namespace Grpc.AspNetCore.Server;

/// <summary>What holds for all services of a host.</summary>
public sealed class GrpcServiceOptions
{
    /// <summary>A longer request message ends the call with ResourceExhausted; null takes any.</summary>
    public int? MaxReceiveMessageSize { get; set; } = MessageFrame.DefaultMaxMessageBytes;

    /// <summary>A longer response message ends the call with ResourceExhausted; null sends any.</summary>
    public int? MaxSendMessageSize { get; set; } = MessageFrame.DefaultMaxMessageBytes;

    /// <summary>Tells the caller the message of an exception that is not an RpcException; off, since it may hold secrets.</summary>
    public bool? EnableDetailedErrors { get; set; }
}
