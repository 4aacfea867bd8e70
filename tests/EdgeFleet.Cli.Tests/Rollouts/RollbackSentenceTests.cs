using System.Text.Json.Nodes;
using EdgeFleet.Cli.Rollouts;

namespace EdgeFleet.Cli.Tests.Rollouts;

/// <summary>The last line of a rollback: what an operator is to do depends on why a device remains.</summary>
public sealed class RollbackSentenceTests
{
    private static string Write(int untouched, params string[] states) =>
        RollbackSentence.Write([.. states.Select(state => new JsonObject { ["id"] = "dev", ["state"] = state })], untouched, "sha256:a", 1230);

    [Fact]
    public void When_all_are_back_it_says_how_long_the_slowest_took() =>
        Assert.Equal("2 of 2 device(s) serve sha256:a; the slowest after 1.23 s", Write(0, "done", "done"));

    [Fact]
    public void A_device_that_is_on_line_and_silent_is_not_called_away()
    {
        string sentence = Write(0, "done", "pending", "pending");

        Assert.StartsWith("1 of 3 device(s) serve sha256:a; 2 on line and told, but no report says yet that they are back", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("return", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_reason_to_remain_is_counted_apart()
    {
        string sentence = Write(1, "done", "offline", "pending", "failed", "failed");

        Assert.StartsWith("1 of 6 device(s)", sentence, StringComparison.Ordinal);
        Assert.Contains("1 off line, told when they return; 1 on line", sentence, StringComparison.Ordinal);
        Assert.EndsWith("2 could not go back, told anew when this runs again; 1 left as they are", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void What_newcomers_get_is_said_and_whether_the_digest_is_barred()
    {
        JsonObject order = new() { ["from"] = "sha256:b", ["barred"] = true, ["newcomers"] = new JsonArray(new JsonObject { ["selector"] = "", ["digest"] = "sha256:a" }) };
        Assert.Equal("newcomers get sha256:a", RollbackSentence.Newcomers(order));
        order["newcomers"]![0]!["selector"] = "threads == \"2\"";
        Assert.Equal("newcomers get sha256:a (threads == \"2\")", RollbackSentence.Newcomers(order));

        Assert.Equal("newcomers get nothing; sha256:b is not barred", RollbackSentence.Newcomers(new JsonObject { ["from"] = "sha256:b", ["barred"] = false, ["newcomers"] = new JsonArray() }));
    }
}
