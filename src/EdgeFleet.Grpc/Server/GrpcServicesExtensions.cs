using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what gRPC services need.</summary>
public static class GrpcServicesExtensions
{
    private static readonly TimeSpan s_pingDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(20);

    public static IServiceCollection AddGrpc(this IServiceCollection services) => services.AddGrpc(static _ => { });

    /// <summary>
    /// Besides the options, this turns on Kestrel's HTTP/2 keep-alive pings where the host has not set them: a peer
    /// that is gone without a word is noticed by nothing else, since the data rate limits do not hold for streams.
    /// </summary>
    public static IServiceCollection AddGrpc(this IServiceCollection services, Action<GrpcServiceOptions> configureOptions)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configureOptions);
        services.AddRouting();
        services.Configure(configureOptions);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ServerCallRunner>();
        services.PostConfigure<KestrelServerOptions>(static kestrel =>
        {
            Http2Limits http2 = kestrel.Limits.Http2;
            if (http2.KeepAlivePingDelay == TimeSpan.MaxValue)
            {
                http2.KeepAlivePingDelay = s_pingDelay;
                http2.KeepAlivePingTimeout = s_pingTimeout;
            }
        });
        return services;
    }
}
