namespace EdgeFleet.Linux.Gpio;

/// <summary>An edge of an input line, after debouncing.</summary>
/// <param name="TimestampNanoseconds">Of CLOCK_MONOTONIC.</param>
/// <param name="IsRising">From low to high; else from high to low.</param>
/// <param name="Line">Its number on the chip.</param>
public readonly record struct GpioEdge(long TimestampNanoseconds, bool IsRising, uint Line);
