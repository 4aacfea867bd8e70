namespace Grpc.Net.Client;

/// <summary>
/// What gRPC needs of a handler. Only properties that still have the framework's default are touched, so a caller who
/// set one keeps it.
/// </summary>
internal static class SocketsHandlerDefaults
{
    // Unread data of one stream; the framework's 64 KiB starts slow and grows only while data flows.
    private const int StreamWindowBytes = 1024 * 1024;
    private const int FrameworkStreamWindowBytes = 65_535;

    private static readonly TimeSpan s_pingDelay = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_frameworkPingTimeout = TimeSpan.FromSeconds(20);

    public static void Apply(SocketsHttpHandler handler)
    {
        try
        {
            // Beyond 100 open streams a server makes further calls wait, silently, unless there may be more connections.
            handler.EnableMultipleHttp2Connections = true;
        }
        catch (InvalidOperationException)
        {
            // The handler has sent requests already (it is shared between channels): it stays as its owner made it.
            return;
        }

        if (handler.KeepAlivePingDelay == Timeout.InfiniteTimeSpan)
        {
            // Only while calls are open: servers end connections that ping without need.
            handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
            handler.KeepAlivePingDelay = s_pingDelay;
            if (handler.KeepAlivePingTimeout == s_frameworkPingTimeout)
            {
                handler.KeepAlivePingTimeout = s_pingTimeout;
            }
        }

        if (handler.InitialHttp2StreamWindowSize == FrameworkStreamWindowBytes)
        {
            handler.InitialHttp2StreamWindowSize = StreamWindowBytes;
        }
    }
}
