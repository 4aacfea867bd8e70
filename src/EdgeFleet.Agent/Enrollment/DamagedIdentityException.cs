namespace EdgeFleet.Agent.Enrollment;

/// <summary>This device was enrolled, and what says so cannot be read any more: a failure of its disk, not of whoever started it.</summary>
public sealed class DamagedIdentityException(string message) : IOException(message);
