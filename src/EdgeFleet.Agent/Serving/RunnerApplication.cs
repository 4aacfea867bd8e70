using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Inference;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving;

/// <summary>
/// Kestrel's requests, answered without the layers that a web application has: the path is looked at here, and one
/// <see cref="Exchange"/> per connection is used again. On a device with one core each layer is latency of the application.
/// </summary>
internal sealed partial class RunnerApplication(
    ModelTable models, ModelTurn turn, ControlApi control, GrpcApplication grpc, ServeOptions options, ILogger<RunnerApplication> logger)
    : IHttpApplication<Exchange>
{
    public const string HeaderLength = "Inference-Header-Content-Length";
    /// <summary>Answers up to this size go out in one write to the socket.</summary>
    private const int OnePiece = 64 * 1024;
    private static readonly RequestReader s_read = static (context, names, maximumBatch) => InferRequestParser.Parse(
        context.Body.Span, HeaderLengthOf(context.Request.Headers, context.Body.Span.Length), names, maximumBatch, context.Infer);
    private const string Json = "application/json";
    private const string Binary = "application/octet-stream";

    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<Exchange> container)
        {
            Exchange single = new();
            single.Begin(contextFeatures);
            return single;
        }
        Exchange exchange = container.HostContext ??= new Exchange();
        exchange.Begin(contextFeatures);
        return exchange;
    }

    public void DisposeContext(Exchange context, Exception? exception) => context.Body.Release();

    public async Task ProcessRequestAsync(Exchange context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            // Only gRPC's addresses take HTTP/2.
            await grpc.AnswerAsync(context);
            return;
        }
        try
        {
            if (context.Features.Get<IControlConnection>() is not null)
            {
                await control.AnswerAsync(context);
            }
            else
            {
                await AnswerAsync(context);
            }
        }
        catch (RequestException ex)
        {
            await SendErrorAsync(context, ex.Status, ex.Message, ex.RetryAfterSeconds);
        }
        catch (InferenceException ex)
        {
            LogInferenceFailed(context.Request.Path, ex.Message);
            await SendErrorAsync(context, StatusCodes.Status500InternalServerError, ex.Message, retryAfterSeconds: null);
        }
    }

    private Task AnswerAsync(Exchange context)
    {
        // "/v2/models/{name}/infer" is what a device does all day, so it is looked for first.
        ReadOnlySpan<char> path = context.Request.Path;
        const string Models = "/v2/models/";
        if (path.StartsWith(Models, StringComparison.Ordinal))
        {
            ReadOnlySpan<char> rest = path[Models.Length..];
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> name = slash < 0 ? rest : rest[..slash];
            ServedModel model = models.Find(name);
            ReadOnlySpan<char> act = slash < 0 ? default : rest[(slash + 1)..];
            if (act.SequenceEqual("infer"))
            {
                RequireMethod(context, "POST");
                return InferAsync(context, model, version: null);
            }
            return AnswerModelAsync(context, model, act);
        }
        if (path is not ("/v2" or "/v2/" or "/v2/health/live" or "/v2/health/ready"))
        {
            throw RequestException.NotFound($"path '{context.Request.Path}' is not part of the Open Inference Protocol v2");
        }
        RequireMethod(context, "GET");
        return path switch
        {
            "/v2/health/live" => context.SendAsync(StatusCodes.Status200OK, Json, "{\"live\":true}"u8.ToArray()),
            "/v2/health/ready" => SendReadyAsync(context, models.Ready, models.Ready ? "{\"ready\":true}"u8.ToArray() : "{\"ready\":false}"u8.ToArray()),
            _ => context.SendAsync(StatusCodes.Status200OK, Json, ServerMetadata()),
        };
    }

    private Task AnswerModelAsync(Exchange context, ServedModel model, ReadOnlySpan<char> act)
    {
        string? version = null;
        const string Versions = "versions/";
        if (act.StartsWith(Versions, StringComparison.Ordinal))
        {
            act = act[Versions.Length..];
            int slash = act.IndexOf('/');
            version = (slash < 0 ? act : act[..slash]).ToString();
            act = slash < 0 ? default : act[(slash + 1)..];
            model.RequireVersion(version);
        }
        if (act.SequenceEqual("infer"))
        {
            RequireMethod(context, "POST");
            return InferAsync(context, model, version);
        }
        if (version is null && act.SequenceEqual("labels"))
        {
            RequireMethod(context, "POST");
            return LabelsAsync(context, model);
        }
        if (act is not ("" or "ready"))
        {
            throw RequestException.NotFound($"path '{context.Request.Path}' is not part of the Open Inference Protocol v2");
        }
        RequireMethod(context, "GET");
        return act is "ready"
            ? SendModelReadyAsync(context, model)
            : context.SendAsync(StatusCodes.Status200OK, Json, ModelMetadata(model));
    }

    private async Task InferAsync(Exchange context, ServedModel model, string? version)
    {
        if (context.Request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
        {
            throw new RequestException(StatusCodes.Status415UnsupportedMediaType, $"content-encoding '{encoding}' is not taken here; send the body as it is");
        }
        await context.ReadBodyAsync(options.MaximumRequestBytes);
        try
        {
            await turn.TakeAsync(context, model, version, s_read, context.Answer);
        }
        finally
        {
            context.Body.Release();
        }
        await SendInferenceAsync(context);
    }

    /// <summary>Not of the protocol: what turned out to be true of requests that were answered before.</summary>
    private static async Task LabelsAsync(Exchange context, ServedModel model)
    {
        await context.ReadBodyAsync(LabelsReader.MaximumBytes);
        IReadOnlyList<PostedLabel> labels;
        try
        {
            labels = LabelsReader.Read(context.Body.Span.ToArray());
        }
        finally
        {
            context.Body.Release();
        }
        bool open = model.Labels.IsOpen;
        int taken = model.Labels.Offer(labels);
        string? reason = taken == labels.Count ? null
            : open ? $"{LabelBox.Slots} labels wait to be collected already"
            : $"no candidate of model '{model.Name}' is being compared now";
        await context.SendAsync(StatusCodes.Status200OK, Json, JsonSerializer.SerializeToUtf8Bytes(new LabelsAnswer(taken, labels.Count - taken, reason), OpenInferenceJsonContext.Readable.LabelsAnswer));
    }

    private static async Task SendInferenceAsync(Exchange context)
    {
        InferResponse answer = context.Answer;
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentLength = answer.Json.Length + answer.Binary.Length;
        if (answer.HasBinary)
        {
            headers.ContentType = Binary;
            headers[HeaderLength] = answer.Json.Length.ToString(CultureInfo.InvariantCulture);
        }
        else
        {
            headers.ContentType = Json;
        }
        PipeWriter writer = context.Features.Get<IHttpResponseBodyFeature>()!.Writer;
        int length = answer.Json.Length + answer.Binary.Length;
        if (length <= OnePiece)
        {
            Span<byte> piece = writer.GetSpan(length);
            answer.Json.Span.CopyTo(piece);
            answer.Binary.Span.CopyTo(piece[answer.Json.Length..]);
            writer.Advance(length);
            return; // the server sends what is written when the request ends, headers and body in one call
        }
        await writer.WriteAsync(answer.Json);
        await writer.WriteAsync(answer.Binary);
    }

    private static int HeaderLengthOf(IHeaderDictionary headers, int bodyLength)
    {
        Microsoft.Extensions.Primitives.StringValues given = headers[HeaderLength];
        if (given.Count == 0)
        {
            return bodyLength;
        }
        return int.TryParse(given.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= bodyLength
            ? length
            : throw RequestException.BadRequest($"{HeaderLength} is '{given}'; the body has {bodyLength} bytes");
    }

    private static void RequireMethod(Exchange context, string method)
    {
        if (context.Request.Method != method)
        {
            throw new RequestException(StatusCodes.Status405MethodNotAllowed, $"'{context.Request.Path}' takes {method}, not {context.Request.Method}");
        }
    }

    private static Task SendReadyAsync(Exchange context, bool ready, byte[] body) =>
        context.SendAsync(ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, Json, body);

    private static Task SendModelReadyAsync(Exchange context, ServedModel model)
    {
        bool ready = model.Active is not null;
        return SendReadyAsync(context, ready, JsonSerializer.SerializeToUtf8Bytes(new ModelReady(model.Name, ready), OpenInferenceJsonContext.Readable.ModelReady));
    }

    private static byte[] ServerMetadata() =>
        JsonSerializer.SerializeToUtf8Bytes(OpenInference.ServerMetadata.Ours, OpenInferenceJsonContext.Readable.ServerMetadata);

    private static byte[] ModelMetadata(ServedModel model) =>
        JsonSerializer.SerializeToUtf8Bytes(OpenInference.ModelMetadata.Of(model), OpenInferenceJsonContext.Readable.ModelMetadata);

    private static Task SendErrorAsync(Exchange context, int status, string message, int? retryAfterSeconds)
    {
        context.Body.Release();
        if (retryAfterSeconds is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        return context.SendAsync(status, Json, JsonSerializer.SerializeToUtf8Bytes(new ErrorAnswer(message), OpenInferenceJsonContext.Readable.ErrorAnswer));
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Warning, Message = "{Path} was answered with 500: {Reason}")]
    private partial void LogInferenceFailed(string path, string reason);
}
