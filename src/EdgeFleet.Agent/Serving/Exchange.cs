using System.Buffers;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeFleet.Agent.Serving;

/// <summary>One connection's request at hand, with the objects that its requests use one after the other.</summary>
internal sealed class Exchange : IDisposable
{
    private InferResponse? _answer;
    private ModelInferAnswer? _grpcAnswer;
    private DefaultHttpContext? _http;
    private ServerCallContext? _call;
    private ReadOnlySequence<byte> _callMessage;

    public IHttpRequestFeature Request { get; private set; } = null!;

    public IHttpResponseFeature Response { get; private set; } = null!;

    public IFeatureCollection Features { get; private set; } = null!;

    public InferRequest Infer { get; } = new();

    public InferResponse Answer => _answer ??= new InferResponse();

    public ModelInferAnswer GrpcAnswer => _grpcAnswer ??= new ModelInferAnswer();

    /// <summary>The request as gRPC's library sees it.</summary>
    public DefaultHttpContext Http => _http ??= new DefaultHttpContext();

    public BodyReader Body { get; } = new();

    /// <summary>What was received: the body, or the one message of a gRPC call.</summary>
    public ReadOnlySequence<byte> Message => _call is null ? Body.Sequence : _callMessage;

    /// <summary>Fires when the caller is gone, and at a gRPC call's deadline.</summary>
    public CancellationToken Aborted => _call?.CancellationToken ?? Features.Get<IHttpRequestLifetimeFeature>()!.RequestAborted;

    public void Begin(IFeatureCollection features)
    {
        Features = features;
        Request = features.Get<IHttpRequestFeature>()!;
        Response = features.Get<IHttpResponseFeature>()!;
        (_call, _callMessage) = (null, default);
    }

    /// <summary>The call that this request is, and its message, which stays where it was received.</summary>
    public void BeginCall(ServerCallContext call, in ReadOnlySequence<byte> message) => (_call, _callMessage) = (call, message);

    public ValueTask ReadBodyAsync(long maximumBytes) =>
        Body.ReadAsync(Features.Get<IRequestBodyPipeFeature>()!.Reader, maximumBytes, CancellationToken.None);

    /// <summary>Sends one answer in one piece.</summary>
    public async Task SendAsync(int status, string contentType, ReadOnlyMemory<byte> body)
    {
        Response.StatusCode = status;
        Response.Headers.ContentType = contentType;
        Response.Headers.ContentLength = body.Length;
        await Features.Get<IHttpResponseBodyFeature>()!.Writer.WriteAsync(body);
    }

    public void Dispose()
    {
        _answer?.Dispose();
        Body.Dispose();
    }
}
