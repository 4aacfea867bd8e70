using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>How a channel reaches its server.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>
    /// Carries the requests; null makes a <see cref="SocketsHttpHandler"/>. What a SocketsHttpHandler leaves at the
    /// framework's default is set to what long streams need: see <see cref="GrpcChannel"/>.
    /// </summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Whether the channel disposes <see cref="HttpHandler"/>; a handler it made itself it always disposes.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>A longer response message ends the call with ResourceExhausted; null takes any.</summary>
    public int? MaxReceiveMessageSize { get; set; } = MessageFrame.DefaultMaxMessageBytes;

    /// <summary>A longer request message ends the call with ResourceExhausted; null sends any.</summary>
    public int? MaxSendMessageSize { get; set; } = MessageFrame.DefaultMaxMessageBytes;

    internal TimeProvider Time { get; set; } = TimeProvider.System;
}
