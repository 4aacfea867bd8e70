using System.Buffers.Text;
using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Memory;

/// <summary>
/// Page faults of one process from <c>/proc/PID/stat</c>, which is kept open: a read allocates nothing, so it may stand
/// at the edges of a measured window.
/// </summary>
public sealed class PageFaultCounter : IDisposable
{
    // proc(5): 52 numbers of at most 20 digits, and a name of at most 64 bytes.
    private readonly byte[] _buffer = new byte[1536];
    private readonly ISystemFile _stat;

    /// <param name="files">Where /proc is.</param>
    /// <param name="processId">Null: the process that reads.</param>
    public PageFaultCounter(ISystemFiles files, int? processId = null) =>
        _stat = files.Open($"/proc/{processId?.ToString(CultureInfo.InvariantCulture) ?? "self"}/stat");

    /// <summary>Why there are none: what the kernel said, or EINVAL for a text that is not of the documented form.</summary>
    public Errno TryRead(out PageFaults faults)
    {
        faults = default;
        Errno error = _stat.Read(_buffer, out int count);
        if (error != Errno.None)
        {
            return error;
        }
        // proc(5): the name may hold spaces and brackets; fields are counted after its last bracket, where the third begins.
        ReadOnlySpan<byte> text = _buffer.AsSpan(0, count);
        int name = text.LastIndexOf((byte)')');
        return name >= 0 && TryField(text[(name + 1)..], 10 - 3, out long minor) && TryField(text[(name + 1)..], 12 - 3, out long major)
            ? Answer(new PageFaults(minor, major), out faults)
            : Errno.Einval;
    }

    public void Dispose() => _stat.Dispose();

    private static Errno Answer(PageFaults read, out PageFaults faults)
    {
        faults = read;
        return Errno.None;
    }

    private static bool TryField(ReadOnlySpan<byte> text, int number, out long value)
    {
        text = text.TrimStart((byte)' ');
        for (; number > 0; number--)
        {
            int space = text.IndexOf((byte)' ');
            if (space < 0)
            {
                value = 0;
                return false;
            }
            text = text[(space + 1)..];
        }
        return Utf8Parser.TryParse(text, out value, out int used) && used > 0 && value >= 0;
    }
}
