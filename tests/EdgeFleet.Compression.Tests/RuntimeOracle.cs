using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Testing;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Compression.Tests;

/// <summary>What ONNX Runtime itself makes of a model.</summary>
internal static class RuntimeOracle
{
    /// <summary>The operators that are left after the runtime's own rewriting, in the order of the graph.</summary>
    public static IReadOnlyList<string> OperatorsAfterFusion(byte[] model)
    {
        using TemporaryFolder folder = new();
        using SessionOptions options = new()
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            OptimizedModelFilePath = folder["optimized.onnx"],
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using (new InferenceSession(model, options))
        {
            return [.. OnnxModel.Load(folder["optimized.onnx"]).Graph.Node.Select(node => node.OpType)];
        }
    }

    /// <summary>The first output for one input.</summary>
    public static float[] Run(OnnxModel model, long[] shape, float[] input, GraphOptimization optimization = GraphOptimization.None)
    {
        using LoadedModel loaded = LoadedModel.Load("test", model.ToBytes(), new InferenceOptions { Optimization = optimization });
        return loaded.Run([EdgeFleet.Inference.Tensor.Of(loaded.Contract.Inputs[0].Name, shape, input)])[0].Floats().ToArray();
    }

    public static float[] Noise(int count, int seed, double deviation = 1)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }

    /// <summary>Calibration rows of noise, of any shape.</summary>
    public static Dataset NoiseDataset(TemporaryFolder folder, int[] rowShape, int rows = 32, int seed = 3)
    {
        int count = rowShape.Aggregate(rows, (product, dim) => product * dim);
        folder.Write("noise.npz", Testing.Data.DataFiles.Npz(("x", Testing.Data.DataFiles.Npy<float>("<f4", [rows, .. rowShape], Noise(count, seed)))));
        return Dataset.Load(folder.Write("noise.yaml", """
            apiVersion: edgefleet.io/v1
            kind: Dataset
            metadata: { name: noise }
            spec:
              format: npz
              sources: { all: { file: noise.npz, inputs: x } }
              splits: { calibration: { source: all } }
            """));
    }
}
