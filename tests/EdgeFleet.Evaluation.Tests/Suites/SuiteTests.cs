using EdgeFleet.Evaluation.Documents;
using EdgeFleet.Evaluation.Suites;

namespace EdgeFleet.Evaluation.Tests.Suites;

public sealed class SuiteTests
{
    [Fact]
    public void The_digest_is_of_the_checks_and_not_of_the_text()
    {
        Suite one = Parse("maxAccuracyDrop: 0.01\n  minAgreement: 0.9");
        Suite same = Parse("# a comment\n  minAgreement: 0.90\n  split: test\n  maxAccuracyDrop: 1/100");
        Suite looser = Parse("maxAccuracyDrop: 0.02\n  minAgreement: 0.9");
        Suite fewerChecks = Parse("maxAccuracyDrop: 0.01");

        Assert.Equal(one.Digest(), same.Digest());
        Assert.Equal(3, new[] { one, looser, fewerChecks }.Select(suite => suite.Digest()).Distinct().Count());
    }

    [Theory]
    [InlineData("maxAcuracyDrop: 0.01", "unknown key 'maxAcuracyDrop' in spec; allowed: split, minRows, maxAccuracyDrop")]
    [InlineData("minAgreement: 0.9", "maxAccuracyDrop is missing")]
    [InlineData("maxAccuracyDrop: 1", "")]
    [InlineData("maxAccuracyDrop: 1.5", "maxAccuracyDrop is '1.5'; expected a number from 0 to 1")]
    [InlineData("maxAccuracyDrop: 1 %", "maxAccuracyDrop is '1 %'")]
    [InlineData("maxAccuracyDrop: 0\n  minRows: 0.5", "minRows is '0.5'; expected a whole number")]
    public void Thresholds_are_read_strictly(string line, string expected)
    {
        if (expected.Length == 0)
        {
            Assert.Equal(1, Parse(line).MaxAccuracyDrop);
            return;
        }

        Assert.Contains(expected, Assert.Throws<DocumentException>(() => Parse(line)).Message, StringComparison.Ordinal);
    }

    private static Suite Parse(string spec) =>
        Suite.Parse($"apiVersion: edgefleet.io/v1\nkind: Suite\nmetadata: {{ name: a }}\nspec:\n  {spec}\n", "suite.yaml");
}
