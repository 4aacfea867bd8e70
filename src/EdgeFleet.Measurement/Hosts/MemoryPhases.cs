namespace EdgeFleet.Measurement.Hosts;

/// <summary>The steps in which a host's memory is told apart.</summary>
internal static class MemoryPhases
{
    public const string Process = "process";
    public const string Load = "load";
    public const string FirstInference = "first inference";
    public const string Steady = "steady";
}
