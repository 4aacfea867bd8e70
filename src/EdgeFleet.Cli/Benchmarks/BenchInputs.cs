using System.Runtime.InteropServices;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Contracts;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>A dataset's rows as the bytes that a model takes, in a file that both model hosts read; gone when disposed.</summary>
internal sealed class BenchInputs : IDisposable
{
    /// <summary>More rows than a cell has inferences say nothing new, and the hosts hold them in memory.</summary>
    private const long LargestBytes = 64 << 20;

    private BenchInputs(string path) => Path = path;

    public string Path { get; }

    /// <exception cref="DatasetException">The rows are not what the model takes.</exception>
    public static BenchInputs Of(string dataset, string split, string model)
    {
        DatasetSplit rows = Dataset.Load(dataset).Read(split);
        IReadOnlyList<TensorSpec> inputs = ContractReader.Read(OnnxModel.Load(model)).Inputs;
        if (inputs is not [{ ElementType: "FP32" } input])
        {
            throw new DatasetException($"{dataset}: model '{model}' takes {string.Join(", ", inputs)}; rows can be fed to a model with one FP32 input");
        }
        long elements = input.Shape.Skip(1).Aggregate(1L, (product, size) => product * size);
        if (input.Shape.Skip(1).Any(size => size < 0) || elements != rows.RowElements)
        {
            throw new DatasetException($"{dataset}: a row has {rows.RowElements} values, input {input} of model '{model}' takes {elements}");
        }
        int count = (int)Math.Min(rows.Count, Math.Max(1, LargestBytes / (elements * sizeof(float))));
        string path = System.IO.Path.GetTempFileName();
        float[] row = new float[rows.RowElements];
        using FileStream file = File.Create(path);
        for (int i = 0; i < count; i++)
        {
            rows.CopyRow(i, row);
            file.Write(MemoryMarshal.AsBytes<float>(row));
        }
        return new BenchInputs(path);
    }

    public void Dispose() => File.Delete(Path);
}
