namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>Which rails make the total and which are only shown; or why there is no total.</summary>
internal sealed record RailPlan(string? Problem, IReadOnlyList<RailPlace> Total, IReadOnlyList<RailPlace> Others)
{
    public static RailPlan None(string problem) => new(problem, [], []);
}
