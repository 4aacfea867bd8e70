using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Firmware;

/// <summary>The Raspberry Pi firmware's text commands (what <c>vcgencmd</c> sends), without a process for each.</summary>
public interface IFirmwareMailbox : IDisposable
{
    /// <param name="command">ASCII, for example <c>pmic_read_adc</c> or <c>get_throttled</c>.</param>
    /// <param name="answer">Filled from its beginning; what is longer is cut.</param>
    /// <param name="count">Bytes of the answer, which is text. A command that the firmware does not know answers <c>error=…</c>.</param>
    /// <returns>ENOENT, ENOTTY: no such firmware here. EACCES: only root and the group <c>video</c> may ask.</returns>
    Errno Command(ReadOnlySpan<byte> command, Span<byte> answer, out int count);
}
