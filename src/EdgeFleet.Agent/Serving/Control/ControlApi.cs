using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary>Marks the connections of the control socket; those of applications do not have it.</summary>
internal interface IControlConnection;

/// <summary>
/// What the supervisor and the shadow ask of the runner, on a socket that only their user can open. Applications never see it.
/// </summary>
internal sealed class ControlApi(ModelTable models, DateTimeOffset startedAt, TimeProvider time)
{
    public const string DroppedHeader = "X-Dropped-Samples";
    private const int MaximumRequestBytes = 64 * 1024;
    private const int MaximumSamples = 1024;
    private const int MaximumWaitMs = 60_000;
    /// <summary>Samples with their tags.</summary>
    public const int TaggedFormat = 2;
    public const string FormatHeader = "X-Sample-Format";
    /// <summary>Labels at once.</summary>
    public const int MaximumLabels = 1024;
    /// <summary>So few that a harm shows before many have felt it.</summary>
    public const double DefaultSharePercent = 5;

    /// <summary>Where applications reach the runner; known once it listens.</summary>
    public IReadOnlyList<string> Listening { get; set; } = [];

    /// <summary>The same for gRPC.</summary>
    public IReadOnlyList<string> GrpcListening { get; set; } = [];

    public Task AnswerAsync(Exchange context) => (context.Request.Method, context.Request.Path) switch
    {
        ("GET", "/v1/status") => SendStatusAsync(context),
        ("POST", "/v1/reconcile") => ReconcileAsync(context),
        ("POST", "/v1/samples") => SamplesAsync(context),
        ("POST", "/v1/labels") => LabelsAsync(context),
        ("POST", "/v1/share") => ShareAsync(context),
        _ => throw RequestException.NotFound($"{context.Request.Method} '{context.Request.Path}' is not part of the control API"),
    };

    private async Task ReconcileAsync(Exchange context)
    {
        ReconcileRequest request = await ReadAsync(context, ControlJsonContext.Default.ReconcileRequest);
        await models.ReconcileAsync(request.Model, retry: true, context.Aborted);
        await SendStatusAsync(context);
    }

    private Task SendStatusAsync(Exchange context)
    {
        long resident = ProcStatus.ReadSelf()?.ResidentBytes ?? Environment.WorkingSet;
        RunnerStatus status = new()
        {
            Pid = Environment.ProcessId,
            StartedAt = startedAt,
            Listening = Listening,
            GrpcListening = GrpcListening,
            Models = [.. models.Models.Select(model => model.Status(resident))],
        };
        return context.SendAsync(
            StatusCodes.Status200OK, "application/json", JsonSerializer.SerializeToUtf8Bytes(status, ControlJsonContext.Default.RunnerStatus));
    }

    private async Task SamplesAsync(Exchange context)
    {
        SamplesRequest request = await ReadAsync(context, ControlJsonContext.Default.SamplesRequest);
        (int max, int waitMs, int everyNth) = (request.Max ?? 32, request.WaitMs ?? 500, request.EveryNth ?? 1);
        Require(max is > 0 and <= MaximumSamples, $"max is {max}; 1 to {MaximumSamples} samples may be taken at once");
        Require(waitMs is >= 0 and <= MaximumWaitMs, $"waitMs is {waitMs}; 0 to {MaximumWaitMs} is allowed");
        Require(everyNth > 0, $"everyNth is {everyNth}; it is at least 1");
        bool tagged = request.Format >= TaggedFormat;
        SampleTap tap = models.Find(request.Model).Tap;
        (byte[] encoded, _, long dropped) = await tap.TakeAsync(
            new SamplePoll(max, everyNth, TimeSpan.FromMilliseconds(waitMs), request.Slices ?? SliceList.None, tagged), time, context.Aborted);
        context.Response.Headers[DroppedHeader] = dropped.ToString(CultureInfo.InvariantCulture);
        if (tagged)
        {
            context.Response.Headers[FormatHeader] = TaggedFormat.ToString(CultureInfo.InvariantCulture);
        }
        await context.SendAsync(StatusCodes.Status200OK, "application/octet-stream", encoded);
        Array.Clear(encoded);
    }

    private async Task ShareAsync(Exchange context)
    {
        ShareRequest request = await ReadAsync(context, ControlJsonContext.Default.ShareRequest);
        double percent = request.Percent ?? DefaultSharePercent;
        Require(percent is >= 0 and <= 100, FormattableString.Invariant($"percent is {percent}; 0 to 100 is allowed"));
        Require(Digest.TryParse(request.Candidate, out Digest candidate), $"candidate is '{request.Candidate}'; expected a digest");
        await models.ShareAsync(request.Model, candidate, percent, request.Seed, context.Aborted);
        await SendStatusAsync(context);
    }

    private async Task LabelsAsync(Exchange context)
    {
        CollectLabelsRequest request = await ReadAsync(context, ControlJsonContext.Default.CollectLabelsRequest);
        (IReadOnlyList<PostedLabel> labels, long dropped) = models.Find(request.Model).Labels.Take(MaximumLabels);
        await context.SendAsync(
            StatusCodes.Status200OK, "application/json", JsonSerializer.SerializeToUtf8Bytes(new CollectedLabels(labels, dropped), ControlJsonContext.Default.CollectedLabels));
    }

    private static async Task<T> ReadAsync<T>(Exchange context, JsonTypeInfo<T> type)
    {
        await context.ReadBodyAsync(MaximumRequestBytes);
        try
        {
            return JsonSerializer.Deserialize(context.Body.Span, type) ?? throw RequestException.BadRequest("the request is null");
        }
        catch (JsonException ex)
        {
            throw RequestException.BadRequest($"the request is not valid: {ex.Message}");
        }
        finally
        {
            context.Body.Release();
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw RequestException.BadRequest(message);
        }
    }
}
