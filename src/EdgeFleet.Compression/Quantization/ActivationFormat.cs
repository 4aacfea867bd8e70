namespace EdgeFleet.Compression.Quantization;

/// <summary>The observed values of a tensor.</summary>
internal readonly record struct ValueRange(float Low, float High)
{
    public static ValueRange Empty { get; } = new(float.PositiveInfinity, float.NegativeInfinity);

    public bool IsFinite => float.IsFinite(Low) && float.IsFinite(High);

    public ValueRange Include(ReadOnlySpan<float> values)
    {
        float low = Low, high = High;
        foreach (float value in values)
        {
            // A NaN passes neither comparison; it is looked for on its own.
            if (float.IsNaN(value))
            {
                return new ValueRange(float.NaN, float.NaN);
            }

            low = MathF.Min(low, value);
            high = MathF.Max(high, value);
        }

        return new ValueRange(low, high);
    }
}

/// <summary>Scale and zero point of an activation.</summary>
internal readonly record struct ActivationCode(float Scale, int ZeroPoint);

/// <summary>The whole numbers that activations become.</summary>
internal sealed record ActivationFormat(bool Signed)
{
    private const int Steps = 255;
    private const float SmallestNormal = 1.17549435e-38f;

    public int Lowest => Signed ? -128 : 0;

    /// <summary>
    /// Maps a range to codes, asymmetric, with 0 exact. <paramref name="ceiling"/> is where a Clip cuts: the codes must not
    /// reach above it, or the runtime keeps the Clip as a node of its own.
    /// </summary>
    public ActivationCode Map(ValueRange range, float ceiling = float.PositiveInfinity)
    {
        double low = Math.Min(0, range.Low);
        double high = Math.Max(0, Math.Min(range.High, ceiling));
        float scale = (float)((high - low) / Steps);
        if (scale < SmallestNormal)
        {
            return new ActivationCode(1, Lowest);
        }

        while (scale * Steps > ceiling)
        {
            scale = MathF.BitDecrement(scale);
        }

        double zeroPoint = Math.Round(Lowest - (low / scale), MidpointRounding.ToEven);
        return new ActivationCode(scale, (int)Math.Clamp(zeroPoint, Lowest, Lowest + Steps));
    }
}
