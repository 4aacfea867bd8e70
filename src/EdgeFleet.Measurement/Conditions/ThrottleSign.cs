namespace EdgeFleet.Measurement.Conditions;

/// <summary>How a sign tells that the device was slowed down.</summary>
public enum SignKind
{
    /// <summary>A count since the start of the device: events between two looks are its difference.</summary>
    Counter,
    /// <summary>Above zero while it lasts; what begins and ends between two looks is not seen.</summary>
    Level,
    /// <summary>One bit that stays set from its first event on: an event is seen once.</summary>
    Sticky,
}

/// <summary>One thing on a device that shows that it was slowed down.</summary>
/// <param name="Name">Which, for example <c>soctherm_oc oc3</c>. The same at both looks, however hwmon devices were renumbered.</param>
/// <param name="Kind">How it tells.</param>
/// <param name="Cause">For a person: what has happened when it moves.</param>
/// <param name="Value">Null where it cannot be read.</param>
/// <param name="Reason">Why it cannot.</param>
public sealed record ThrottleSign(string Name, SignKind Kind, string Cause, long? Value, string? Reason);
