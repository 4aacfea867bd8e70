namespace EdgeFleet.Rollouts.Gating;

/// <summary>What a promotion still lacks.</summary>
/// <param name="Code">A word for machines; see <see cref="MissingCodes"/>.</param>
/// <param name="Subject">A device, a metric, or the class.</param>
/// <param name="Detail">A sentence with numbers.</param>
public sealed record MissingEvidence(string Code, string Subject, string Detail);

/// <summary>The words of <see cref="MissingEvidence.Code"/>.</summary>
public static class MissingCodes
{
    public const string Calibration = "calibration";
    public const string Device = "deviceWorking";
    public const string DeviceMissing = "deviceMissing";
    public const string DeviceFailed = "deviceFailed";
    public const string Pairs = "pairs";
    public const string Metric = "metric";
    public const string MetricAbsent = "metricAbsent";
    public const string Devices = "devices";
    public const string Slice = "slice";
    public const string Soak = "soak";
    public const string Amber = "amber";
    public const string OtherHardware = "otherHardware";
    public const string ShadowAbsent = "shadowAbsent";
    public const string NoDevice = "noDevice";
    /// <summary>Requests are not shared as they should be: no other figure is valid until that is understood.</summary>
    public const string SampleRatio = "sampleRatio";
    /// <summary>The candidate has answered none.</summary>
    public const string Requests = "requests";
}
