using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Agent.Serving;

/// <summary>What <c>edgefleet-agent serve</c> was asked to do.</summary>
internal sealed record ServeOptions
{
    /// <summary>The device's state folder; null where <see cref="ModelsRoot"/> is given.</summary>
    public string? State { get; init; }

    /// <summary>A plain folder of ONNX files instead of a state folder.</summary>
    public string? ModelsRoot { get; init; }

    /// <summary>Where REST is spoken.</summary>
    public required IReadOnlyList<ListenAddress> Listen { get; init; }

    /// <summary>Where gRPC is spoken.</summary>
    public IReadOnlyList<ListenAddress> GrpcListen { get; init; } = [];

    /// <summary>Threads of one inference.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Inferences of one model that run at once.</summary>
    public int Concurrency { get; init; } = DefaultConcurrency(1);

    /// <summary>Requests of one model that may wait for their turn; those beyond are turned away with 503.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>
    /// Rows of one request to a model that takes any number of them. The runtime keeps what the largest inference took, so one
    /// request would else decide the memory of the process for as long as it lives.
    /// </summary>
    public int MaximumBatch { get; init; } = DefaultMaximumBatch;

    public const int DefaultMaximumBatch = 256;

    /// <summary>Where the device says how much memory it has.</summary>
    public ISystemFiles Device { get; init; } = KernelFiles.Host;

    public long MaximumRequestBytes { get; init; } = 64L << 20;

    /// <summary>Where the control socket and the crash counts are; null for a plain folder.</summary>
    public string? ServeFolder => State is null ? null : Path.Join(State, "serve");

    /// <summary>As many as keep every core busy without sharing one.</summary>
    public static int DefaultConcurrency(int threads) => Math.Max(1, Environment.ProcessorCount / threads);
}
