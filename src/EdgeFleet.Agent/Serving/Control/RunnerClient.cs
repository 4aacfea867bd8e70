using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary>The control socket from the other side: for the supervisor and for the shadow worker. May be used from many threads.</summary>
internal sealed class RunnerClient : IDisposable
{
    private readonly HttpClient _http;

    public RunnerClient(string controlSocket)
    {
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(controlSocket), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        // Loading a model may take minutes; the caller's token says when it is too long.
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://runner"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks the runner to look at the slot of one model (null: of all) and waits until it has acted.</summary>
    /// <exception cref="HttpRequestException">The runner is not there, or refused.</exception>
    public async Task<RunnerStatus> ReconcileAsync(string? model, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _http.PostAsync(
            "/v1/reconcile", JsonContent.Create(new ReconcileRequest(model), ControlJsonContext.Default.ReconcileRequest), cancellationToken);
        await RequireSuccessAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(ControlJsonContext.Default.RunnerStatus, cancellationToken))!;
    }

    /// <summary>Lets a candidate answer a share of the requests, goes on with it, or ends it; the status says what came of it.</summary>
    /// <exception cref="HttpRequestException">The runner is not there, does not serve the model, or knows no shares.</exception>
    public async Task<RunnerStatus> ShareAsync(ShareRequest request, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _http.PostAsync(
            "/v1/share", JsonContent.Create(request, ControlJsonContext.Default.ShareRequest), cancellationToken);
        await RequireSuccessAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(ControlJsonContext.Default.RunnerStatus, cancellationToken))!;
    }

    /// <exception cref="HttpRequestException">The runner is not there.</exception>
    public async Task<RunnerStatus> StatusAsync(CancellationToken cancellationToken) =>
        (await _http.GetFromJsonAsync("/v1/status", ControlJsonContext.Default.RunnerStatus, cancellationToken))!;

    /// <summary>Takes copies of live inputs.</summary>
    /// <exception cref="HttpRequestException">The runner is not there, or does not serve the model.</exception>
    public async Task<SampleBatch> SamplesAsync(SamplesRequest request, CancellationToken cancellationToken)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, "/v1/samples")
        {
            Content = JsonContent.Create(request with { Format = ControlApi.TaggedFormat }, ControlJsonContext.Default.SamplesRequest),
        };
        // The content is read into one array here and nowhere else, so that it can be wiped.
        using HttpResponseMessage response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await RequireSuccessAsync(response, cancellationToken);
        byte[] encoded = new byte[response.Content.Headers.ContentLength ?? throw new HttpRequestException("the runner did not say how long its samples are")];
        await using Stream content = await response.Content.ReadAsStreamAsync(cancellationToken);
        await content.ReadExactlyAsync(encoded, cancellationToken);
        return new SampleBatch(encoded, SampleCodec.Read(encoded, tagged: response.Headers.Contains(ControlApi.FormatHeader)), DroppedOf(response));
    }

    /// <summary>Takes the labels that applications posted, and tells the runner that somebody wants them. Empty for a runner that knows no labels.</summary>
    /// <exception cref="HttpRequestException">The runner is not there.</exception>
    public async Task<CollectedLabels> LabelsAsync(string model, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _http.PostAsync(
            "/v1/labels", JsonContent.Create(new CollectLabelsRequest(model), ControlJsonContext.Default.CollectLabelsRequest), cancellationToken);
        if (response.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return new CollectedLabels([], 0);
        }
        await RequireSuccessAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(ControlJsonContext.Default.CollectedLabels, cancellationToken))!;
    }

    private static long DroppedOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(ControlApi.DroppedHeader, out IEnumerable<string>? values)
            ? long.Parse(values.Single(), NumberStyles.None, CultureInfo.InvariantCulture)
            : 0;

    public void Dispose() => _http.Dispose();

    private static async Task RequireSuccessAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            string body = await response.Content.ReadAsStringAsync(cancellationToken);
            throw new HttpRequestException($"the runner answered {(int)response.StatusCode}: {body}", null, response.StatusCode);
        }
    }
}
