using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeFleet.Linux.Files;

/// <summary>The kernel's own files.</summary>
public sealed partial class LinuxFileStore : IFileStore
{
    public static LinuxFileStore Instance { get; } = new();

    private LinuxFileStore()
    {
    }

    public bool Exists(string path) => File.Exists(path) || Directory.Exists(path) || ReadLink(path) is not null;

    public long? Length(string path)
    {
        FileInfo info = new(path);
        return info.Exists ? info.Length : null;
    }

    public byte[]? Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception ex) when (ex is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public IReadOnlyList<string> List(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }
        string[] names = [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry))];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public void CreateDirectory(string path, UnixFileMode mode)
    {
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path, mode);
        }
    }

    public IStoredFile Open(string path, UnixFileMode mode, bool write = true)
    {
        // FileShare.ReadWrite: any other share would keep the runner or a worker from reading meanwhile.
        FileStreamOptions options = new()
        {
            Mode = write ? FileMode.OpenOrCreate : FileMode.Open,
            Access = write ? FileAccess.ReadWrite : FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = write ? mode : null,
        };
        return new OpenFile(new FileStream(path, options));
    }

    public void Rename(string from, string to)
    {
        // File.Move falls back to copying between file systems, which would not be one step.
        Require(rename(from, to), "rename", $"{from}' to '{to}");
    }

    public void HardLink(string existing, string path)
    {
        const int EEXIST = 17;
        if (link(existing, path) != 0 && Marshal.GetLastPInvokeError() != EEXIST)
        {
            Require(-1, "link", $"{existing}' as '{path}");
        }
    }

    public void SymbolicLink(string target, string path) => File.CreateSymbolicLink(path, target);

    public string? ReadLink(string path) => new FileInfo(path).LinkTarget;

    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Its folder is not there, so neither is it.
            return;
        }
    }

    public void DeleteDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    public void SetMode(string path, UnixFileMode mode) => File.SetUnixFileMode(path, mode);

    public void FlushDirectory(string path)
    {
        // .NET cannot open a folder. O_DIRECTORY has other bits on arm than on x86, and nothing here needs it.
        const int O_RDONLY = 0;
        const int O_CLOEXEC = 0x80000;
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        Require(descriptor, "open", path);
        using SafeFileHandle handle = new(descriptor, ownsHandle: true);
        Require(fsync(descriptor), "fsync", path);
    }

    public long AvailableBytes(string directory) => new DriveInfo(directory).AvailableFreeSpace;

    private static void Require(int result, string call, string path)
    {
        if (result < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"{call} '{path}': {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string existing, string path);

    private sealed class OpenFile(FileStream stream) : IStoredFile
    {
        public long Length => RandomAccess.GetLength(stream.SafeFileHandle);

        public void Write(ReadOnlySpan<byte> content, long offset) => RandomAccess.Write(stream.SafeFileHandle, content, offset);

        public int Read(Span<byte> content, long offset)
        {
            int total = 0;
            while (total < content.Length)
            {
                int read = RandomAccess.Read(stream.SafeFileHandle, content[total..], offset + total);
                if (read == 0)
                {
                    break;
                }
                total += read;
            }
            return total;
        }

        public void SetLength(long length) => RandomAccess.SetLength(stream.SafeFileHandle, length);

        public void Flush() => RandomAccess.FlushToDisk(stream.SafeFileHandle);

        public void Dispose() => stream.Dispose();
    }
}
