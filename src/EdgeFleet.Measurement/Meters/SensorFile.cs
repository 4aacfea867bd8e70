using System.Text;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters;

/// <summary>A small file that a sensor's driver answers with, opened once.</summary>
internal sealed class SensorFile(ISystemFiles files, string path) : IDisposable
{
    private const int Longest = 96;
    private readonly ISystemFile _file = files.Open(path);
    private string? _problem;
    private Errno _problemError;

    public string Path => path;

    /// <summary>Of the last read.</summary>
    public Errno Error { get; private set; }

    /// <summary>The device went away or comes back under another number.</summary>
    public bool Lost => Error is Errno.Enoent or Errno.Enodev or Errno.Enxio or Errno.Enotdir;

    /// <summary>Why the last read gave no number.</summary>
    public string Problem => _problem ?? "";

    public bool TryRead(out long value)
    {
        Span<byte> buffer = stackalloc byte[Longest];
        Error = _file.Read(buffer, out int count);
        if (Error != Errno.None)
        {
            value = 0;
            Explain(Error);
            return false;
        }
        if (SensorNumber.TryParse(buffer[..count], out value))
        {
            return true;
        }
        string text = Encoding.UTF8.GetString(buffer[..count]).Trim();
        _problem = text.Length == 0 ? $"{path}: empty" : $"{path}: '{text}' is no number";
        _problemError = Errno.None;
        return false;
    }

    /// <summary>Whether the file says this, apart from white space at its end. What cannot be read says nothing.</summary>
    public bool Says(ReadOnlySpan<byte> expected)
    {
        Span<byte> buffer = stackalloc byte[Longest];
        Error = _file.Read(buffer, out int count);
        return Error == Errno.None && buffer[..count].TrimEnd(" \t\r\n\0"u8).SequenceEqual(expected);
    }

    public void Dispose() => _file.Dispose();

    private void Explain(Errno error)
    {
        // The text of an error that lasts is made once: a dead sensor must not feed the garbage collector ten times a second.
        if (_problem is null || _problemError != error)
        {
            _problem = $"{path}: {error.Describe()}";
            _problemError = error;
        }
    }
}
