using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Testing.Data;

/// <summary>
/// A task that a small model really solves: an 8x8 image with one bright quadrant and noise, the class is the quadrant. The
/// model is written down, not trained: a smoothing convolution and the mean of each quadrant.
/// </summary>
public static class SmallTask
{
    public const int Classes = 4;
    private const int Side = 8;

    /// <summary>Writes data, a dataset file with splits calibration and test, and returns the dataset file's path.</summary>
    public static string WriteDataset(TemporaryFolder folder, int rows = 400, int seed = 7)
    {
        Random random = new(seed);
        byte[] images = new byte[rows * Side * Side];
        byte[] labels = new byte[rows];
        for (int row = 0; row < rows; row++)
        {
            labels[row] = (byte)random.Next(Classes);
            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                {
                    bool bright = (y / 4 * 2) + (x / 4) == labels[row];
                    images[(row * Side * Side) + (y * Side) + x] = (byte)(random.Next(150) + (bright ? 60 : 0));
                }
            }
        }

        folder.Write("images.idx.gz", DataFiles.Gzip(DataFiles.Idx([rows, Side, Side], images)));
        folder.Write("labels.idx.gz", DataFiles.Gzip(DataFiles.Idx([rows], labels)));
        return folder.Write("dataset.yaml", $$"""
            apiVersion: edgefleet.io/v1
            kind: Dataset
            metadata: { name: quadrants }
            spec:
              format: idx
              sources:
                all: { inputs: images.idx.gz, labels: labels.idx.gz }
              splits:
                calibration: { source: all, count: {{rows / 4}} }
                test: { source: all, first: {{rows / 4}} }
              preprocessing: { scale: 1/255, mean: 0.3, std: 0.25, shape: [1, 8, 8] }
              labels: [upper left, upper right, lower left, lower right]
            """);
    }

    /// <summary>x[N,1,8,8] → Conv 3x3 (4 channels) → Relu → AveragePool 4x4 → Flatten → Gemm → y[N,4].</summary>
    public static OnnxModel Model()
    {
        ModelBuilder b = new ModelBuilder().Input("x", -1, 1, Side, Side).Output("y", -1, Classes);
        float[] smooth = new float[4 * 9];
        for (int channel = 0; channel < 4; channel++)
        {
            for (int i = 0; i < 9; i++)
            {
                smooth[(channel * 9) + i] = (channel + 1) / 30f * (i % 2 == 0 ? 1.1f : 0.9f);
            }
        }

        // Channel c's four quadrant means sit at c * 4 + quadrant after Flatten.
        float[] vote = new float[Classes * 16];
        for (int c = 0; c < Classes; c++)
        {
            for (int i = 0; i < 16; i++)
            {
                vote[(c * 16) + i] = (i % 4 == c ? 1f : -0.3f) / (1 + (i / 4));
            }
        }

        b.Tensor(TensorData.Create("w1", [4, 1, 3, 3], smooth)).Tensor(TensorData.Create("b1", [4], new float[] { 0.4f, 0.6f, 0.8f, 1f }));
        b.Tensor(TensorData.Create("w2", [Classes, 16], vote)).Tensor(TensorData.Create("b2", [Classes], new float[Classes]));
        b.Node("Conv", ["x", "w1", "b1"], "c1").With("pads", 1, 1, 1, 1);
        b.Node("Relu", ["c1"], "r1");
        NodeProto pool = b.Node("AveragePool", ["r1"], "p1");
        pool.With("kernel_shape", 4, 4);
        pool.With("strides", 4, 4);
        b.Node("Flatten", ["p1"], "f");
        b.Node("Gemm", ["f", "w2", "b2"], "y").With("transB", 1L);
        return b.Build();
    }
}
