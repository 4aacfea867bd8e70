using System.Runtime.InteropServices;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>A model's answers to the first inputs, as floats.</summary>
internal static class OutputReader
{
    public static OutputReply Read(HostedSession session, OutputRequest request)
    {
        List<float> values = [];
        List<int> lengths = [];
        long nonFinite = 0;
        string? first = null;
        int inputs = 0;
        for (; inputs < request.Inputs && (inputs == 0 || values.Count < request.LargestElements); inputs++)
        {
            session.Feed.PutForComparison(inputs);
            session.Call.Invoke();
            // An image of many million elements does not go through the pipe: its first are compared, and all looked at.
            int room = request.LargestElements;
            foreach (PreparedTensor output in session.Call.Outputs)
            {
                float[] elements = Floats(output);
                int kept = Math.Min(elements.Length, room);
                room -= kept;
                lengths.Add(kept);
                values.AddRange(elements.AsSpan(0, kept));
                long bad = elements.LongCount(value => !float.IsFinite(value));
                nonFinite += bad;
                first ??= bad > 0 ? $"output '{output.Name}' of input {inputs} has {bad} of {elements.Length} elements that are no number" : null;
            }
        }
        // What was put in for the comparison would be measured otherwise.
        session.Feed.PutForComparison(0);
        return new OutputReply(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)).ToArray(), lengths, inputs, nonFinite, first);
    }

    private static float[] Floats(PreparedTensor output) => output.Spec.ElementType switch
    {
        "FP32" => output.Values<float>().ToArray(),
        "FP64" => Convert<double>(output, value => (float)value),
        "FP16" => Convert<Half>(output, value => (float)value),
        "INT64" => Convert<long>(output, value => value),
        "INT32" => Convert<int>(output, value => value),
        "INT16" => Convert<short>(output, value => value),
        "UINT8" => Convert<byte>(output, value => value),
        "INT8" => Convert<sbyte>(output, value => value),
        // Of the rare types the bytes are compared: equal answers stay equal.
        _ => [.. output.Bytes.ToArray().Select(value => (float)value)],
    };

    private static float[] Convert<T>(PreparedTensor output, Func<T, float> convert) where T : unmanaged =>
        [.. output.Values<T>().ToArray().Select(convert)];
}
