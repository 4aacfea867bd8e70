using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>How far a rollback came, in one line: for what remains, why it does, since each reason asks for something else.</summary>
internal static class RollbackSentence
{
    /// <param name="devices">The rollback's devices with their states.</param>
    /// <param name="untouched">Devices that serve the digest and hold nothing to go back to.</param>
    public static string Write(IReadOnlyList<JsonNode> devices, int untouched, string which, double? slowestMs)
    {
        int done = Count("done"), offline = Count("offline"), failed = Count("failed");
        int unconfirmed = devices.Count - done - offline - failed;
        if (done == devices.Count && untouched == 0)
        {
            return $"{done} of {done} device(s) serve {which}; the slowest after {JsonReading.Seconds(slowestMs)}";
        }
        List<string> remain = [];
        if (offline > 0)
        {
            remain.Add($"{offline} off line, told when they return");
        }
        if (unconfirmed > 0)
        {
            remain.Add($"{unconfirmed} on line and told, but no report says yet that they are back ('edgefleet device show' says when they were last heard of)");
        }
        if (failed > 0)
        {
            remain.Add($"{failed} could not go back, told anew when this runs again");
        }
        if (untouched > 0)
        {
            remain.Add($"{untouched} left as they are");
        }
        return $"{done} of {devices.Count + untouched} device(s) serve {which}; {string.Join("; ", remain)}";

        int Count(string state) => devices.Count(device => device.Text("state") == state);
    }

    /// <summary>What newcomers get from now on.</summary>
    public static string Newcomers(JsonNode rollback)
    {
        List<string> gets = [.. rollback.List("newcomers").Select(one => one.Text("digest") + (one.Text("selector") == "-" ? "" : $" ({one.Text("selector")})"))];
        string barred = rollback.Flag("barred") ? "" : $"; {rollback.Text("from")} is not barred";
        return $"newcomers get {(gets.Count == 0 ? "nothing" : string.Join(", ", gets))}{barred}";
    }
}
