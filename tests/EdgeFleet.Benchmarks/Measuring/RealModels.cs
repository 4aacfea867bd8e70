using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>Real models of about 6, 30 and 100 µs where they lie beside the checkout; the example's two are always there.</summary>
internal static class RealModels
{
    public static IReadOnlyList<(string Name, string Path)> Find()
    {
        string examples = Path.Combine(Checkout.Root, "fleet", "examples", "fashion");
        List<(string, string)> found = [("fashion_resnet8", Path.Combine(examples, "fashion_resnet8.onnx"))];
        foreach (string name in (string[])["fashion_student_distilled", "mlperf_vww_mobilenetv1"])
        {
            if (SharedFiles.Locate($"models/{name}.onnx") is { } path)
            {
                found.Add((name, path));
            }
        }
        if (found.Count < 3)
        {
            found.Add(("fashion_resnet8_v2", Path.Combine(examples, "fashion_resnet8_v2.onnx")));
        }
        return found;
    }
}
