namespace EdgeFleet.Agent.Enrollment;

/// <summary>A clock that stands: for judging a certificate at a time that somebody else vouches for.</summary>
internal sealed class Moment(DateTimeOffset at) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => at;
}
