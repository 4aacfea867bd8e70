namespace EdgeFleet.Compression.Quantization;

/// <summary>Weights as whole numbers times one scale per channel; zero is always exact.</summary>
internal sealed record SymmetricWeights(sbyte[] Codes, float[] Scales)
{
    private const float SmallestNormal = 1.17549435e-38f;

    /// <param name="largestCode">127, 64 for the reduced range, 2^(bits−1) − 1 for fewer bits.</param>
    /// <param name="smallestScales">A channel's scale is at least this; empty asks nothing.</param>
    public static SymmetricWeights Of(ReadOnlySpan<float> weights, int channels, int stride, int largestCode, ReadOnlySpan<double> smallestScales)
    {
        double[] largest = new double[channels];
        for (int i = 0; i < weights.Length; i++)
        {
            int channel = i / stride % channels;
            largest[channel] = Math.Max(largest[channel], Math.Abs(weights[i]));
        }

        float[] scales = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double scale = Math.Max(largest[c] / largestCode, smallestScales.IsEmpty ? 0 : smallestScales[c]);
            // A channel of zeros needs a scale all the same; any will do.
            scales[c] = (float)scale < SmallestNormal ? 1 : (float)scale;
        }

        sbyte[] codes = new sbyte[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            // As QuantizeLinear does: divide, round half to even, clip.
            double code = Math.Round((double)weights[i] / scales[i / stride % channels], MidpointRounding.ToEven);
            codes[i] = (sbyte)Math.Clamp(code, -largestCode, largestCode);
        }

        return new SymmetricWeights(codes, scales);
    }



    public float[] ToFloats(int stride)
    {
        float[] values = new float[Codes.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Codes[i] * Scales[i / stride % Scales.Length];
        }

        return values;
    }

    /// <summary>10·log10 of the weights' energy over the energy of what rounding changed; infinite where it changed nothing.</summary>
    public static double SignalToNoiseDb(ReadOnlySpan<float> exact, ReadOnlySpan<float> rounded)
    {
        double signal = 0, noise = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            double difference = (double)exact[i] - rounded[i];
            signal += (double)exact[i] * exact[i];
            noise += difference * difference;
        }

        return noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
    }
}
