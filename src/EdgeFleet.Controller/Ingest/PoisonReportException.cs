namespace EdgeFleet.Controller.Ingest;

/// <summary>
/// A message that cannot be read. Where at least its place in the sequence is known it is counted as seen, otherwise the device
/// would send it again for ever.
/// </summary>
internal sealed class PoisonReportException(string message, string? device, long boot, long seq, Exception inner) : FormatException(message, inner)
{
    public string? Device { get; } = device;
    public long Boot { get; } = boot;
    public long Seq { get; } = seq;
}
