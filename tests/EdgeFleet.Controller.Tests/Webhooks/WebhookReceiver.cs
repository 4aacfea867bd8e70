using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Tests.Webhooks;

/// <summary>A receiver of webhooks on a port of the system's choice. Answers what the test says, 200 where it says nothing.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly Channel<Received> _requests = Channel.CreateUnbounded<Received>();
    private readonly ConcurrentQueue<int> _answers = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _app;

    private WebhookReceiver(WebApplication app) => _app = app;

    /// <summary>Takes requests and does not answer them until the end.</summary>
    public bool Hangs { get; set; }

    public string Url => _app.Urls.First() + "/hook";

    public static async Task<WebhookReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        WebhookReceiver receiver = new(app);
        app.MapPost("/hook", receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    public void Answer(params int[] statuses) => Array.ForEach(statuses, _answers.Enqueue);

    public async Task<Received> NextAsync()
    {
        using CancellationTokenSource limit = new(s_patience);
        return await _requests.Reader.ReadAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _released.TrySetResult();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext http)
    {
        using StreamReader reader = new(http.Request.Body);
        string body = await reader.ReadToEndAsync();
        await _requests.Writer.WriteAsync(new Received(
            http.Request.Headers["webhook-id"].ToString(), long.Parse(http.Request.Headers["webhook-timestamp"].ToString(), System.Globalization.CultureInfo.InvariantCulture),
            http.Request.Headers["webhook-signature"].ToString(), http.Request.ContentType ?? "", body));
        if (Hangs)
        {
            await _released.Task;
        }
        http.Response.StatusCode = _answers.TryDequeue(out int status) ? status : StatusCodes.Status200OK;
        if (status == StatusCodes.Status302Found)
        {
            http.Response.Headers.Location = "/elsewhere";
        }
    }
}

/// <summary>One request that a receiver got.</summary>
internal sealed record Received(string Id, long Timestamp, string Signature, string ContentType, string Body)
{
    public JsonNode Event => JsonNode.Parse(Body)!;

    public string Type => Event["type"]!.GetValue<string>();
}
