using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.Files;

/// <summary>The kernel's copies of files in memory.</summary>
public static partial class PageCache
{
    /// <summary>
    /// Asks the kernel to forget a file's clean pages (posix_fadvise(2), POSIX_FADV_DONTNEED), so that the next reader has to
    /// go to the disk. Needs no rights beyond reading. Pages that another process maps stay.
    /// </summary>
    /// <returns>Whether there is such a file and the kernel took the advice.</returns>
    public static bool Drop(string path)
    {
        const int POSIX_FADV_DONTNEED = 4;
        if (!File.Exists(path))
        {
            return false;
        }
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return posix_fadvise((int)file.SafeFileHandle.DangerousGetHandle(), 0, 0, POSIX_FADV_DONTNEED) == 0;
    }

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int descriptor, long offset, long length, int advice);
}
