using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Tests.Functions;

public sealed class StudentTTests
{
    // Two-sided 5 % and 1 % points as printed in every table.
    [Theory]
    [InlineData(0.05, 1, 12.706), InlineData(0.05, 5, 2.571), InlineData(0.05, 11, 2.201), InlineData(0.05, 29, 2.045), InlineData(0.05, 120, 1.980)]
    [InlineData(0.01, 4, 4.604), InlineData(0.01, 11, 3.106)]
    // Pocock's level at 12, 20 and 30 blocks.
    [InlineData(0.0221, 11, 2.662), InlineData(0.0221, 19, 2.492), InlineData(0.0221, 29, 2.418)]
    public void The_critical_values_are_those_of_the_tables(double alpha, double degreesOfFreedom, double expected) =>
        Assert.Equal(expected, StudentT.TwoSidedCritical(alpha, degreesOfFreedom), 3);

    [Theory, InlineData(0.9), InlineData(0.5), InlineData(0.0221), InlineData(1e-6)]
    public void One_and_two_degrees_of_freedom_have_closed_forms(double alpha)
    {
        Near.Equal(Math.Tan(Math.PI / 2 * (1 - alpha)), StudentT.TwoSidedCritical(alpha, 1), 1e-8);
        Near.Equal(Math.Sqrt((2 / (alpha * (2 - alpha))) - 2), StudentT.TwoSidedCritical(alpha, 2), 1e-8);
    }

    [Fact]
    public void The_tail_of_a_critical_value_is_its_level()
    {
        foreach (double degreesOfFreedom in new[] { 1, 2.5, 11, 29, 999.5 })
        {
            foreach (double alpha in new[] { 0.9, 0.05, 0.0221, 1e-4 })
            {
                double t = StudentT.TwoSidedCritical(alpha, degreesOfFreedom);
                Near.Equal(alpha, StudentT.TwoSidedTail(t, degreesOfFreedom));
                Near.Equal(alpha, StudentT.TwoSidedTail(-t, degreesOfFreedom));
            }
        }
    }

    [Fact]
    public void With_many_degrees_of_freedom_it_is_the_normal_distribution() =>
        Near.Equal(1.959963984540054, StudentT.TwoSidedCritical(0.05, 1e8), 1e-6);

    [Theory, InlineData(0, 5), InlineData(1, 5), InlineData(double.NaN, 5), InlineData(0.05, 0), InlineData(0.05, double.NaN)]
    public void No_such_distribution_is_refused(double alpha, double degreesOfFreedom) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => StudentT.TwoSidedCritical(alpha, degreesOfFreedom));
}
