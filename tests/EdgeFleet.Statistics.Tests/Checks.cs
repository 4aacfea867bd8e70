using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests;

/// <summary>Generators and a fixed seed, so that a failure is the same failure again.</summary>
internal static class Checks
{
    public static Config Config { get; } = Config.QuickThrowOnFailure.WithReplay(20261120UL, 7UL).WithMaxTest(200);

    public static Arbitrary<double> OpenUnit() => Gen.Choose(1, 999).Select(i => i / 1000.0).ToArbitrary();

    public static Arbitrary<double[]> UnitList() => Gen.Choose(0, 1000).Select(i => i / 1000.0).ArrayOf().ToArbitrary();

    public static Arbitrary<double[]> Latencies() =>
        Gen.Choose(-5000, 2000).Select(i => Math.Pow(10, i / 1000.0)).ArrayOf().ToArbitrary();
}
