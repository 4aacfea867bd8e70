using EdgeFleet.Core.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>Our settings in ONNX Runtime's terms, and a session's inputs and outputs in ours.</summary>
internal static class SessionSettings
{
    public static SessionOptions From(InferenceOptions options)
    {
        SessionOptions settings = new()
        {
            IntraOpNumThreads = options.IntraOpThreads,
            InterOpNumThreads = options.InterOpThreads,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            EnableCpuMemArena = options.MemoryArena,
            GraphOptimizationLevel = options.Optimization switch
            {
                GraphOptimization.None => GraphOptimizationLevel.ORT_DISABLE_ALL,
                GraphOptimization.Basic => GraphOptimizationLevel.ORT_ENABLE_BASIC,
                GraphOptimization.Extended => GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
                _ => GraphOptimizationLevel.ORT_ENABLE_ALL,
            },
            // Its warnings about unused initializers go to standard error and tell an operator nothing.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        string spinning = options.AllowSpinning ? "1" : "0";
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", spinning);
        settings.AddSessionConfigEntry("session.inter_op.allow_spinning", spinning);
        AddProvider(settings, options.Provider);
        return settings;
    }

    private static void AddProvider(SessionOptions settings, string provider)
    {
        if (provider == InferenceRuntime.CpuProvider)
        {
            return; // always there, and always last
        }
        if (!InferenceRuntime.Providers.Contains(provider))
        {
            throw new NotSupportedException($"this ONNX Runtime has no provider '{provider}'; it has {string.Join(", ", InferenceRuntime.Providers)}");
        }
        switch (provider)
        {
            case "CUDAExecutionProvider":
                settings.AppendExecutionProvider_CUDA();
                break;
            case "TensorrtExecutionProvider":
                settings.AppendExecutionProvider_Tensorrt();
                break;
            default:
                // It takes the name that it lists: the short ones are spelled in ways of their own (WebGPU, XNNPACK).
                settings.AppendExecutionProvider(provider);
                break;
        }
    }

    /// <exception cref="NotSupportedException">An input or output is not a tensor of numbers.</exception>
    public static ModelContract ContractOf(InferenceSession session) => new(
        [.. session.InputNames.Select(name => SpecOf("input", name, session.InputMetadata[name]))],
        [.. session.OutputNames.Select(name => SpecOf("output", name, session.OutputMetadata[name]))]);

    private static TensorSpec SpecOf(string what, string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor)
        {
            throw new NotSupportedException($"{what} '{name}' is a {metadata.OnnxValueType}; only tensors can be served");
        }
        string elementType = ElementTypes.NameOf(metadata.ElementDataType)
            ?? throw new NotSupportedException($"{what} '{name}' has elements of type {metadata.ElementDataType}; only numbers of a fixed width can be served");
        return new TensorSpec(name, elementType, [.. metadata.Dimensions.Select(size => (long)size)]);
    }
}
