using EdgeFleet.Cli.Tests.Models;

namespace EdgeFleet.Cli.Tests.Terminal;

/// <summary>Arguments that nobody can use, given to the process itself: a sentence and exit code 2, never a stack trace.</summary>
public sealed class WrongUsageTests
{
    [Theory]
    [InlineData("--threads 'x': expected a whole number from 1 to 256", "evaluate", "--baseline", "b", "--candidate", "c", "--suite", "s", "--data", "d", "--threads", "x")]
    [InlineData("--threads '0': expected a whole number", "evaluate", "--baseline", "b", "--candidate", "c", "--suite", "s", "--data", "d", "--threads", "0")]
    [InlineData("--threads", "evaluate", "--baseline", "b", "--candidate", "c", "--suite", "s", "--data", "d", "--threads")]
    [InlineData("--threads 'x': expected a whole number", "bench", "--baseline", "b", "--threads", "x")]
    [InlineData("--blocks '2': expected a whole number from 3 to 10000", "bench", "--baseline", "b", "--blocks", "2")]
    [InlineData("--cell-ms '0': expected a whole number", "bench", "--baseline", "b", "--cell-ms", "0")]
    [InlineData("--cpus: processors '0-x': '0-x' is neither a number nor a range", "bench", "--baseline", "b", "--cpus", "0-x")]
    [InlineData("--margin '-3': expected a number from 0 to 10", "bench", "--baseline", "b", "--margin", "-3")]
    [InlineData("--margin 'NaN': expected a number", "bench", "--baseline", "b", "--margin", "NaN")]
    [InlineData("'nonsense' is not an address such as http://127.0.0.1:8080", "device", "list", "--controller", "nonsense")]
    [InlineData("'ftp://fleet' is not an address", "device", "list", "--controller", "ftp://fleet")]
    [InlineData("--controller", "device", "list", "--controller")]
    [InlineData("--limit '-1': expected a whole number", "device", "list", "--limit", "-1")]
    [InlineData("--count 'many': expected a whole number", "device", "token", "--count", "many")]
    [InlineData("--ttl 'long': expected a time such as 90s, 15m, 12h, 2d or 01:30:00", "device", "token", "--ttl", "long")]
    [InlineData("--ttl '30': expected a time", "device", "token", "--ttl", "30")]
    [InlineData("--ttl '-5m': expected a time", "device", "token", "--ttl", "-5m")]
    [InlineData("--ttl '0s': expected a time", "device", "token", "--ttl", "0s")]
    [InlineData("--ttl '1e300d': expected a time", "device", "token", "--ttl", "1e300d")]
    [InlineData("--timeout '-1': expected a time", "rollback", "fashion", "--timeout", "-1")]
    [InlineData("--timeout '30': expected a time", "rollback", "fashion", "--timeout", "30")]
    [InlineData("--classes '0': expected a whole number", "simulate", "--devices", "1", "--bundle", "b", "--classes", "0")]
    [InlineData("--devices", "simulate", "--devices", "x", "--bundle", "b")]
    [InlineData("--disagreement '2': expected a number from 0 to 1", "simulate", "--devices", "1", "--bundle", "b", "--disagreement", "2")]
    [InlineData("--latency-ratio 'fast': expected a number", "simulate", "--devices", "1", "--bundle", "b", "--latency-ratio", "fast")]
    [InlineData("--prefix 'Z/Z': device ids are made of it", "simulate", "--devices", "1", "--bundle", "b", "--prefix", "Z/Z")]
    [InlineData("--for 'ever': expected a time", "simulate", "--devices", "1", "--bundle", "b", "--for", "ever")]
    [InlineData("xml", "device", "list", "-o", "xml")]
    [InlineData("--nonsense", "bench", "--baseline", "b", "--nonsense")]
    public void A_wrong_argument_is_named_and_ends_with_2(string expected, params string[] arguments)
    {
        EdgefleetProcess run = EdgefleetProcess.Run(arguments);

        Assert.Contains(expected, run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Errors, StringComparison.Ordinal);
        Assert.Equal(2, run.ExitCode);
    }

    [Fact]
    public void The_address_of_a_controller_is_taken_from_the_command_line()
    {
        string token = Path.GetTempFileName();
        try
        {
            File.WriteAllText(token, "a-token");
            // Port 9 of this machine answers nobody.
            EdgefleetProcess run = EdgefleetProcess.Run("device", "list", "--controller", "http://127.0.0.1:9", "--token-file", token);

            Assert.Contains("127.0.0.1:9", run.Errors, StringComparison.Ordinal);
            Assert.Equal(3, run.ExitCode);
        }
        finally
        {
            File.Delete(token);
        }
    }
}
