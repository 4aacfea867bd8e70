using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests;

public sealed class PortableMathTests
{
    // Two units in the last place.
    private const double Close = 4.5e-16;

    [Fact]
    public void Log_agrees_with_the_library_over_the_whole_range()
    {
        Random random = new(21);
        for (int i = 0; i < 200_000; i++)
        {
            double x = BitConverter.Int64BitsToDouble(random.NextInt64(0x7ff0000000000000));
            AssertClose(Math.Log(x), PortableMath.Log(x), x);
            double near = 1 + ((random.NextDouble() - 0.5) * Math.Pow(10, -random.Next(0, 15)));
            AssertClose(Math.Log(near), PortableMath.Log(near), near);
        }
    }

    [Fact]
    public void Exp_agrees_with_the_library_over_the_whole_range()
    {
        Random random = new(22);
        for (int i = 0; i < 200_000; i++)
        {
            double x = (random.NextDouble() - 0.5) * 1400;
            AssertClose(Math.Exp(x), PortableMath.Exp(x), x);
            double small = (random.NextDouble() - 0.5) * Math.Pow(10, -random.Next(0, 15));
            AssertClose(Math.Exp(small), PortableMath.Exp(small), small);
        }
    }

    [Fact]
    public void The_ends_are_those_of_the_library()
    {
        foreach (double x in new[] { 0.0, -0.0, 1, -1, double.Epsilon, double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 709.79, -745.14, 2e-308 })
        {
            AssertClose(Math.Log(x), PortableMath.Log(x), x);
            AssertClose(Math.Exp(x), PortableMath.Exp(x), x);
        }
    }

    [Fact]
    public void The_bits_are_pinned()
    {
        // Computed by another program from the same published steps. A change here makes stored verdicts come out different.
        Assert.Equal(0x4007F7427B73E391, BitConverter.DoubleToInt64Bits(PortableMath.Log(20)));
        Assert.Equal(0x3FA8FB063EF2C7F0, BitConverter.DoubleToInt64Bits(PortableMath.Log(1.05)));
        Assert.Equal(-0x3FFF42EB8BFF48A7, BitConverter.DoubleToInt64Bits(PortableMath.Log(0.1234)));
        Assert.Equal(0x4005BF0A8B14576A, BitConverter.DoubleToInt64Bits(PortableMath.Exp(1)));
        Assert.Equal(0x3F99511FC6871044, BitConverter.DoubleToInt64Bits(PortableMath.Exp(-3.7)));
    }

    private static void AssertClose(double expected, double actual, double at)
    {
        bool close = expected.Equals(actual) || Math.Abs(actual - expected) <= Math.Max(Math.Abs(expected) * Close, double.Epsilon);
        Assert.True(close, $"at {at:R}: expected {expected:R}, got {actual:R}");
    }
}
