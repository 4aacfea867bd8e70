using System.Text.Json.Serialization;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary><c>POST /v1/reconcile</c>: look at the slot of one model again, or of all.</summary>
internal sealed record ReconcileRequest(string? Model);

/// <summary><c>POST /v1/samples</c>: take copies of live inputs.</summary>
internal sealed record SamplesRequest
{
    public required string Model { get; init; }
    /// <summary>Default: 32.</summary>
    public int? Max { get; init; }
    /// <summary>Default: 500.</summary>
    public int? WaitMs { get; init; }
    /// <summary>Default: 1, every input.</summary>
    public int? EveryNth { get; init; }
    /// <summary>Default: the first, without tags. An older runner answers with it whatever is asked.</summary>
    public int? Format { get; init; }
    /// <summary>Request parameters that go with the samples. Default: none.</summary>
    public SliceList? Slices { get; init; }
}

/// <summary><c>POST /v1/labels</c>: take the labels that applications posted.</summary>
internal sealed record CollectLabelsRequest(string Model);

/// <summary>Labels since the last call, and how many found no room.</summary>
internal sealed record CollectedLabels(IReadOnlyList<PostedLabel> Labels, long Dropped);

/// <summary><c>GET /v1/status</c>.</summary>
internal sealed record RunnerStatus
{
    public required int Pid { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>Where applications reach the runner, with the port that was chosen.</summary>
    public required IReadOnlyList<string> Listening { get; init; }
    public IReadOnlyList<string> GrpcListening { get; init; } = [];
    public required IReadOnlyList<ModelStatus> Models { get; init; }
}

/// <summary>One model. The counters begin with the activation of the digest that is active.</summary>
internal sealed record ModelStatus
{
    public required string Model { get; init; }
    /// <summary>The digest that answers; null while none could be loaded.</summary>
    public required string? Active { get; init; }
    /// <summary>The digest that the slot names.</summary>
    public required string? Wanted { get; init; }
    /// <summary>
    /// The wanted digest, when it crashed or did not load and an older one answers for it. Null while it is being loaded:
    /// the older one answers then too, and nothing is wrong.
    /// </summary>
    public string? FellBackFrom { get; init; }
    public required string? Error { get; init; }
    public required DateTimeOffset? Since { get; init; }
    public required long Requests { get; init; }
    public required long Failures { get; init; }
    /// <summary>Requests with values that the model does not take, while it answers an input of ours.</summary>
    public required long Rejected { get; init; }
    public required long NonFinite { get; init; }
    public required long WrongShape { get; init; }
    /// <summary>Requests turned away because too many were waiting; they never reached the model.</summary>
    public required long Overloaded { get; init; }
    public required LatencyMicros LatencyMicros { get; init; }
    public required LogLatencySums LogLatency { get; init; }
    /// <summary>Resident memory of the whole runner: ONNX Runtime does not tell the models apart.</summary>
    public required long ResidentBytes { get; init; }
    /// <summary>A candidate that answers a share of the requests; null where none was asked for.</summary>
    public ShareStatus? Share { get; init; }
}

/// <summary>Of the last requests, from the whole request received to the answer ready.</summary>
internal sealed record LatencyMicros(int Count, double P50, double P95, double P99);

/// <summary>Of all requests since the activation: how many, and the sums of the natural logarithm of their microseconds and of its square.</summary>
internal sealed record LogLatencySums(long Count, double Sum, double SumOfSquares);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReconcileRequest))]
[JsonSerializable(typeof(SamplesRequest))]
[JsonSerializable(typeof(RunnerStatus))]
[JsonSerializable(typeof(CollectLabelsRequest))]
[JsonSerializable(typeof(ShareRequest))]
[JsonSerializable(typeof(CollectedLabels))]
internal sealed partial class ControlJsonContext : JsonSerializerContext;
