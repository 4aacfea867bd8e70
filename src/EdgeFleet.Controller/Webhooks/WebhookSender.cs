using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>Sends one event once: a CloudEvent in its structured JSON form, signed.</summary>
internal sealed class WebhookSender(ControllerOptions options, TimeProvider time) : IDisposable
{
    private const string ContentType = "application/cloudevents+json";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // A redirect is not followed: whoever answers for the address would choose where signed events go.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = s_patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        Timeout = s_patience,
    };

    /// <returns>Why it was not taken; null where the receiver answered with a 2xx.</returns>
    public async Task<string?> SendAsync(WebhookRow webhook, FeedRow e, CancellationToken cancellationToken)
    {
        // The same at each attempt, so that a receiver can tell what it has had; a test is an event of its own each time.
        string id = e.Id > 0 ? string.Create(CultureInfo.InvariantCulture, $"{options.Tenant}.{e.Id}") : $"{options.Tenant}.{Guid.NewGuid():n}";
        byte[] body = Write(id, e);
        long timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        using HttpRequestMessage request = new(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType, "utf-8");
        request.Headers.Add(WebhookSignature.IdHeader, id);
        request.Headers.Add(WebhookSignature.TimestampHeader, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookSignature.SignatureHeader, WebhookSignature.Sign(webhook.Secret, id, timestamp, body));
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}{((int)response.StatusCode is >= 300 and < 400 ? ", and redirects are not followed" : "")}";
        }
        catch (HttpRequestException ex)
        {
            return ex.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"no answer within {s_patience.TotalSeconds:0} s";
        }
    }

    public void Dispose() => _http.Dispose();

    private byte[] Write(string id, FeedRow e)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion", "1.0");
            writer.WriteString("id", id);
            writer.WriteString("source", $"/edgefleet/{options.Tenant}/{e.Source}");
            writer.WriteString("type", $"io.edgefleet.{e.Type}");
            if (e.Subject.Length > 0)
            {
                writer.WriteString("subject", e.Subject);
            }
            writer.WriteString("time", Clock.FromMs(e.At).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            writer.WriteString("datacontenttype", "application/json");
            writer.WritePropertyName("data");
            writer.WriteRawValue(e.Data);
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }
}
