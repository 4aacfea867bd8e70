using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Inference;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>
/// The example's model with one class harmed: its bias in the last layer is lowered until the accuracy over all has fallen by the
/// points that are asked. A real model, wrong where nobody looks at the average alone.
/// </summary>
internal static class HarmedClass
{
    public const int Class = 8; // Bag, which the model knows best

    /// <returns>What was made, in a sentence.</returns>
    public static string Write(string model, string path, double points, IReadOnlyList<Tensor> inputs)
    {
        IReadOnlyList<int> labels = Dataset.Load(Path.Join(Trace.Example, "dataset.yaml")).Read("test").Labels;
        using LoadedModel loaded = LoadedModel.Load(model);
        float[][] scores = [.. inputs.Select(input => loaded.Run([input])[0].Floats().ToArray())];
        (double before, double own) = Accuracy(scores, labels, 0);
        double low = 0, high = 100;
        for (int step = 0; step < 40; step++)
        {
            double middle = (low + high) / 2;
            (low, high) = before - Accuracy(scores, labels, middle).All < points / 100 ? (middle, high) : (low, middle);
        }
        OnnxModel harmed = OnnxModel.Load(model).Clone();
        TensorProto bias = harmed.Graph.Initializer.Single(tensor => tensor.Name == "h.bias");
        float[] values = TensorData.Floats(bias);
        values[Class] -= (float)high;
        int at = harmed.Graph.Initializer.IndexOf(bias);
        harmed.Graph.Initializer[at] = TensorData.Create(bias.Name, [.. bias.Dims], values);
        harmed.Save(path);
        (double after, double ownAfter) = Accuracy(scores, labels, high);
        return FormattableString.Invariant($"class 'Bag' {100 * own:0.0} -> {100 * ownAfter:0.0} %, all {100 * before:0.00} -> {100 * after:0.00} %");
    }

    private static (double All, double Own) Accuracy(float[][] scores, IReadOnlyList<int> labels, double lowered)
    {
        int right = 0, own = 0, ownRight = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            int top = 0;
            for (int c = 1; c < scores[i].Length; c++)
            {
                top = Score(i, c) > Score(i, top) ? c : top;
            }
            right += top == labels[i] ? 1 : 0;
            own += labels[i] == Class ? 1 : 0;
            ownRight += labels[i] == Class && top == Class ? 1 : 0;
        }
        return ((double)right / scores.Length, (double)ownRight / own);

        double Score(int i, int c) => scores[i][c] - (c == Class ? lowered : 0);
    }
}
