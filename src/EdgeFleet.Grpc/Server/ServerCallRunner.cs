using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server;

/// <summary>Takes a request through a call: checks it, runs the method against its deadline, sends the status.</summary>
internal sealed partial class ServerCallRunner(IOptions<GrpcServiceOptions> options, TimeProvider time, ILogger<ServerCallRunner> logger)
{
    private readonly GrpcServiceOptions _options = options.Value;
    private int _mappings;

    /// <summary>True once per host: what is mapped beside the services is mapped with the first of them.</summary>
    public bool IsFirstMapping() => Interlocked.Increment(ref _mappings) == 1;

    public async Task RunAsync(HttpContext http, Func<ServerCall, Task> method)
    {
        if (await RefuseAsync(http).ConfigureAwait(false))
        {
            return;
        }

        LiftBodyLimits(http);
        TimeSpan? timeout = null;
        if (http.Request.Headers.TryGetValue(GrpcHeaders.Timeout, out var header))
        {
            if (!TimeoutHeader.TryDecode(header.ToString(), out TimeSpan given))
            {
                await TrailersOnlyAnswer.WriteAsync(http, new Status(StatusCode.Internal, $"grpc-timeout '{header}' is not a timeout.")).ConfigureAwait(false);
                return;
            }

            timeout = given;
        }

        http.Response.ContentType = GrpcHeaders.ContentType;
        using CallLifetime lifetime = new(timeout, time, http.RequestAborted);
        ServerResponse response = new(http, lifetime, _options.MaxSendMessageSize);
        ServerCall call = new(new HttpServerCallContext(http, lifetime, response), lifetime, response, _options.MaxReceiveMessageSize);

        Task<Status> running = InvokeAsync(call, method);
        if (lifetime.Expired is { } expired && await Task.WhenAny(running, expired).ConfigureAwait(false) == expired && !running.IsCompleted)
        {
            await EndAtDeadlineAsync(call).ConfigureAwait(false);

            // The request stays ours until the method has ended too.
            await running.ConfigureAwait(false);
            return;
        }

        Status status = await running.ConfigureAwait(false);
        response.End(status, call.Context.ResponseTrailers);
    }

    /// <summary>What is not gRPC gets an answer that its own protocol understands.</summary>
    private static async Task<bool> RefuseAsync(HttpContext http)
    {
        if (!GrpcHeaders.IsGrpcContentType(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return true;
        }

        if (!HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = "HTTP/2";
            return true;
        }

        if (http.Request.Headers.TryGetValue(GrpcHeaders.Encoding, out var encoding)
            && !string.Equals(encoding.ToString(), GrpcHeaders.Identity, StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers[GrpcHeaders.AcceptEncoding] = GrpcHeaders.Identity;
            await TrailersOnlyAnswer.WriteAsync(http, new Status(
                StatusCode.Unimplemented, $"Requests in grpc-encoding '{encoding}' are not supported, only '{GrpcHeaders.Identity}'.")).ConfigureAwait(false);
            return true;
        }

        return false;
    }

    /// <summary>A stream may be silent for hours and carry any number of bytes; messages have their own cap.</summary>
    private static void LiftBodyLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
    }

    private static async Task EndAtDeadlineAsync(ServerCall call)
    {
        call.Response.End(DeadlineExceeded(call.Context), call.Context.ResponseTrailers);
        if (!call.Lifetime.CallerIsGone)
        {
            await call.Context.HttpContext.Response.CompleteAsync().ConfigureAwait(false);
            call.Response.Reset(StatusMapping.NoError);
        }
    }

    private static Status DeadlineExceeded(HttpServerCallContext context) =>
        new(StatusCode.DeadlineExceeded, $"The deadline of '{context.Method}' has passed.");

    private async Task<Status> InvokeAsync(ServerCall call, Func<ServerCall, Task> method)
    {
        HttpServerCallContext context = call.Context;
        try
        {
            await method(call).ConfigureAwait(false);
            return context.Status;
        }
        catch (RpcException ex)
        {
            foreach (Metadata.Entry entry in ex.Trailers)
            {
                context.ResponseTrailers.Add(entry);
            }

            return ex.Status;
        }
        catch (Exception ex) when (call.Lifetime.HasExpired)
        {
            LogEndedAfterDeadline(ex, context.Method);
            return DeadlineExceeded(context);
        }
        catch (Exception ex) when (call.Lifetime.CallerIsGone)
        {
            LogCallerGone(ex, context.Method);
            return Status.DefaultCancelled;
        }
        catch (Exception ex)
        {
            LogMethodFailed(ex, context.Method);
            return new Status(StatusCode.Unknown, _options.EnableDetailedErrors is true
                ? $"Exception was thrown by handler. {ex.GetType().Name}: {ex.Message}"
                : "Exception was thrown by handler.");
        }
    }

    [LoggerMessage(EventId = 6001, Level = LogLevel.Error, Message = "gRPC method {Method} threw; the caller gets status Unknown")]
    private partial void LogMethodFailed(Exception exception, string method);

    [LoggerMessage(EventId = 6002, Level = LogLevel.Debug, Message = "gRPC method {Method} ended after its deadline")]
    private partial void LogEndedAfterDeadline(Exception exception, string method);

    [LoggerMessage(EventId = 6003, Level = LogLevel.Debug, Message = "gRPC method {Method} ended because its caller is gone")]
    private partial void LogCallerGone(Exception exception, string method);
}
