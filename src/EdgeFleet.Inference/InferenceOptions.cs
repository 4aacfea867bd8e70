namespace EdgeFleet.Inference;

/// <summary>How far ONNX Runtime may rewrite a graph before it runs.</summary>
public enum GraphOptimization
{
    None,
    Basic,
    Extended,
    All,
}

/// <summary>The settings of a session. They are part of what a measurement was made with.</summary>
public sealed record InferenceOptions
{
    /// <summary>Threads of one call. 1 runs on the calling thread.</summary>
    public int IntraOpThreads { get; init; } = 1;

    public int InterOpThreads { get; init; } = 1;

    /// <summary>
    /// Idle threads of the session burn their core for a while after each call. Off: on small devices the tail costs more
    /// energy than the inference, at equal latency.
    /// </summary>
    public bool AllowSpinning { get; init; }

    public GraphOptimization Optimization { get; init; } = GraphOptimization.All;

    /// <summary>Off trades some latency for memory that goes back to the system after a call.</summary>
    public bool MemoryArena { get; init; } = true;

    /// <summary>ONNX Runtime's name of an execution provider that the library must have, such as <c>CUDAExecutionProvider</c>.</summary>
    public string Provider { get; init; } = InferenceRuntime.CpuProvider;
}
