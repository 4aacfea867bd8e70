using System.Runtime.InteropServices;
using System.Text;

namespace EdgeFleet.Linux.SystemFiles;

/// <summary>The kernel's files below a root folder, with the kernel's own errnos.</summary>
public sealed partial class KernelFiles(string root) : ISystemFiles, ISystemSettings
{
    private const int Step = 4096;
    /// <summary>Nothing that a reader looks at is larger; a stranger's tree may hold a file without an end.</summary>
    private const int Longest = 4 << 20;

    public static KernelFiles Host { get; } = new("/");

    public string Root { get; } = root;

    public string Resolve(string path) => Path.Join(Root, path.TrimStart('/'));

    public FileText Read(string path)
    {
        int descriptor = Open(Resolve(path), out Errno error);
        if (descriptor < 0)
        {
            return FileText.Failed(error);
        }
        try
        {
            byte[] buffer = new byte[Step];
            int length = 0;
            while (true)
            {
                error = ReadAt(descriptor, buffer.AsSpan(length), length, out int count);
                if (error != Errno.None)
                {
                    return FileText.Failed(error);
                }
                length += count;
                if (count == 0 || length == Longest)
                {
                    return FileText.Of(Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\0', '\n', '\r', ' ', '\t'));
                }
                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(2 * buffer.Length, Longest));
                }
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    public unsafe Errno Write(string path, string text)
    {
        // Cut to nothing first, as a shell's redirection does: sysfs does not mind, and a captured tree needs it.
        const int O_WRONLY = 1, O_TRUNC = 0x200, O_CLOEXEC = 0x80000;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int descriptor = open(Resolve(path), O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (descriptor < 0)
        {
            return (Errno)Marshal.GetLastPInvokeError();
        }
        try
        {
            nint written;
            fixed (byte* start = bytes)
            {
                written = write(descriptor, start, (nuint)bytes.Length);
            }
            return written == bytes.Length ? Errno.None : written < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.Eio;
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    public ISystemFile Open(string path) => new OpenFile(path, Resolve(path), stays: Root == "/");

    public IReadOnlyList<string> List(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(Resolve(folder)).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            // A class that the kernel does not have and one that nobody may list hold the same for a reader: nothing.
            return [];
        }
    }

    public bool Exists(string path) => Path.Exists(Resolve(path));

    public string? LinkTarget(string path) => new FileInfo(Resolve(path)).LinkTarget;

    private static int Open(string path, out Errno error)
    {
        // fcntl.h: the same on x64 and arm64. Not blocking: a captured tree may hold a FIFO.
        const int O_RDONLY = 0, O_CLOEXEC = 0x80000, O_NONBLOCK = 0x800;
        int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        error = descriptor < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        return descriptor;
    }

    private static unsafe Errno ReadAt(int descriptor, Span<byte> buffer, long offset, out int count)
    {
        nint read;
        fixed (byte* start = buffer)
        {
            read = pread(descriptor, start, (nuint)buffer.Length, offset);
        }
        count = (int)Math.Max(read, 0);
        return read < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
    }

    /// <param name="stays">
    /// The kernel's own handle says that its device is gone. One of a plain file in a folder goes on telling what was there
    /// when the file was replaced or removed, so below another root it is opened anew for each read.
    /// </param>
    private sealed class OpenFile(string path, string resolved, bool stays) : ISystemFile
    {
        private int _descriptor = -1;

        public string Path { get; } = path;

        public Errno Read(Span<byte> buffer, out int count)
        {
            bool fresh = _descriptor < 0;
            Errno error = ReadOnce(buffer, out count);
            if (!fresh && error is Errno.Enodev or Errno.Enoent or Errno.Enxio)
            {
                Dispose();
                error = ReadOnce(buffer, out count);
            }
            if (!stays)
            {
                Dispose();
            }
            return error;
        }

        public void Dispose()
        {
            if (_descriptor >= 0)
            {
                _ = close(_descriptor);
                _descriptor = -1;
            }
        }

        private Errno ReadOnce(Span<byte> buffer, out int count)
        {
            count = 0;
            if (_descriptor < 0)
            {
                _descriptor = KernelFiles.Open(resolved, out Errno error);
                if (_descriptor < 0)
                {
                    return error;
                }
            }
            return ReadAt(_descriptor, buffer, 0, out count);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint pread(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
