using System.Globalization;
using System.Net.Http.Headers;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>Sends one event once: a CloudEvent in its structured JSON form, signed.</summary>
internal sealed class WebhookSender(ControllerOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // A redirect is not followed: whoever answers for the address would choose where signed events go.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = s_patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        Timeout = s_patience,
    };

    /// <returns>Why it was not taken; null where the receiver answered with a 2xx.</returns>
    public async Task<string?> SendAsync(WebhookRow webhook, FeedRow e, CancellationToken cancellationToken)
    {
        string id = CloudEvent.IdOf(options.Tenant, e);
        byte[] body = CloudEvent.Write(options.Tenant, id, e);
        long timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        using HttpRequestMessage request = new(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(CloudEvent.ContentType, "utf-8");
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
}
