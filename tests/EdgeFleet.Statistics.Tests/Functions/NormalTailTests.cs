using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests.Functions;

public sealed class NormalTailTests
{
    [Theory]
    [InlineData(0, 1), InlineData(0.5, 0.6170750774519738), InlineData(1, 0.31731050786291415), InlineData(1.959963984540054, 0.05)]
    [InlineData(2.9, 0.003731626600768077), InlineData(3.1, 0.0019352064264367124), InlineData(5, 5.733031437583892e-07), InlineData(8, 1.2441921148543639e-15)]
    public void The_normal_tail_is_that_of_the_error_function(double z, double expected) =>
        Assert.Equal(1, SpecialFunctions.TwoSidedNormalTail(z) / expected, 10);
}
