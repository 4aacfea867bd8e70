using EdgeFleet.Agent.Serving.OpenInference;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeFleet.Agent.Serving;

/// <summary>One connection's request at hand, with the objects that its requests use one after the other.</summary>
internal sealed class Exchange : IDisposable
{
    public IHttpRequestFeature Request { get; private set; } = null!;

    public IHttpResponseFeature Response { get; private set; } = null!;

    public IFeatureCollection Features { get; private set; } = null!;

    public InferRequest Infer { get; } = new();

    public InferResponse Answer { get; } = new();

    public BodyReader Body { get; } = new();

    public CancellationToken Aborted => Features.Get<IHttpRequestLifetimeFeature>()!.RequestAborted;

    public void Begin(IFeatureCollection features)
    {
        Features = features;
        Request = features.Get<IHttpRequestFeature>()!;
        Response = features.Get<IHttpResponseFeature>()!;
    }

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
        Answer.Dispose();
        Body.Dispose();
    }
}
