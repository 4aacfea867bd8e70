using System.Text;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Tests.Conditions;

/// <summary>A Raspberry Pi's firmware that is asked whether it throttles: its answers in order, the last of them for ever, or an errno.</summary>
internal sealed class ScriptedFirmware(params string[] answers) : IFirmwareMailbox
{
    private readonly Errno _error;
    private int _asked;

    public ScriptedFirmware(Errno error) : this("") => _error = error;

    public Errno Command(ReadOnlySpan<byte> command, Span<byte> answer, out int count)
    {
        Assert.Equal("get_throttled"u8, command);
        count = Encoding.ASCII.GetBytes(answers[Math.Min(_asked++, answers.Length - 1)], answer);
        return _error;
    }

    public void Dispose()
    {
    }
}
