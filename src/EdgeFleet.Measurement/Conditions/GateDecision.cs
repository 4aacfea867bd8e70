namespace EdgeFleet.Measurement.Conditions;

/// <summary>Why a device is not measured now.</summary>
/// <param name="Code">For programs; the constants of this type.</param>
/// <param name="Sentence">For a person, with the numbers.</param>
/// <param name="Passes">It may be gone by waiting; otherwise somebody has to do something.</param>
public sealed record GateRefusal(string Code, string Sentence, bool Passes)
{
    public const string BatteryLow = "battery-low";
    public const string NearTrip = "near-trip";
    public const string OthersBusy = "others-busy";
    public const string MemoryLow = "memory-low";
    public const string MemoryUnknown = "memory-unknown";
    public const string DiskLow = "disk-low";
    public const string CoolingDown = "cooling-down";
}

/// <summary>What the gate says.</summary>
/// <param name="Refusals">None: it may be measured.</param>
/// <param name="Unchecked">Rules that this device did not tell enough for, each with the reason: they go into the record.</param>
public sealed record GateDecision(IReadOnlyList<GateRefusal> Refusals, IReadOnlyList<string> Unchecked)
{
    public bool MayMeasure => Refusals.Count == 0;
}
