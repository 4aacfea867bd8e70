using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Connection;

/// <summary>The controller's REST interface as commands use it. A refusal becomes its sentence and an exit code.</summary>
internal sealed class ControllerClient : IDisposable
{
    private readonly HttpClient _http;

    public ControllerClient(Uri url, string token)
    {
        Url = url;
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
        {
            BaseAddress = new Uri(url, "/api/v1/"),
            Timeout = TimeSpan.FromMinutes(2),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Uri Url { get; }

    public Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);

    public Task<JsonNode> PostAsync(string path, JsonNode? body, CancellationToken cancellationToken) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body ?? new JsonObject()) }, cancellationToken);

    public Task<JsonNode> DeleteAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), cancellationToken);

    public Task<JsonNode> PostTextAsync(string path, string body, string contentType, CancellationToken cancellationToken) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, contentType) }, cancellationToken);

    public async Task<bool> ExistsAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await RawAsync(new HttpRequestMessage(HttpMethod.Head, path), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
        await ThrowUnlessSuccessAsync(response, cancellationToken);
        return true;
    }

    public async Task PutFileAsync(string path, string file, CancellationToken cancellationToken)
    {
        await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
        StreamContent content = new(stream, 1 << 16);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.ContentLength = stream.Length;
        await SendAsync(new HttpRequestMessage(HttpMethod.Put, path) { Content = content }, cancellationToken);
    }

    public async Task<byte[]> GetBytesAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await RawAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);
        await ThrowUnlessSuccessAsync(response, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonNode> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await RawAsync(request, cancellationToken);
        await ThrowUnlessSuccessAsync(response, cancellationToken);
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text) ?? new JsonObject();
        }
        catch (JsonException ex)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"{Url} answered something that is not JSON; is it an EdgeFleet controller?", ex);
        }
    }

    private async Task<HttpResponseMessage> RawAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            using (request)
            {
                return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            }
        }
        catch (HttpRequestException ex)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"the controller at {Url} cannot be reached: {ex.Message}", ex);
        }
        catch (TaskCanceledException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"the controller at {Url} did not answer within {_http.Timeout.TotalSeconds:0} s", ex);
        }
    }

    private async Task ThrowUnlessSuccessAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        throw new CommandFailedException(
            response.StatusCode switch
            {
                HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity => ExitCode.VerdictIsNo,
                HttpStatusCode.BadRequest => ExitCode.WrongUsage,
                _ => ExitCode.WorldFailed,
            },
            Sentence(text) ?? $"the controller at {Url} answered {(int)response.StatusCode} {response.ReasonPhrase}");
    }

    /// <summary>The sentence of a problem document (RFC 9457).</summary>
    private static string? Sentence(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject problem ? problem["detail"]?.GetValue<string>() ?? problem["title"]?.GetValue<string>() : null;
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
