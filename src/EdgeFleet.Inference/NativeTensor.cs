using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>ONNX Runtime's tensors over memory of ours, and copies of its tensors.</summary>
internal static class NativeTensor
{
    /// <summary>A tensor over pinned memory; the pin outlives it.</summary>
    public static unsafe OrtValue Over(MemoryHandle pin, Tensor tensor) =>
        Over((nint)pin.Pointer, tensor.ElementType, [.. tensor.Shape], tensor.Data.Length);

    public static OrtValue Over(nint data, string elementType, long[] shape, long bytes) =>
        OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, ElementTypes.OnnxOf(elementType), shape, data, bytes);

    public static Tensor Copy(string name, OrtValue value)
    {
        if (!value.IsTensor)
        {
            throw new InferenceException($"output '{name}' is a {value.OnnxType}, not a tensor");
        }
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        string elementType = ElementTypes.NameOf(info.ElementDataType)
            ?? throw new InferenceException($"output '{name}' has elements of type {info.ElementDataType}");
        return new Tensor(name, elementType, info.Shape, value.GetTensorMutableRawData().ToArray());
    }
}
