using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.SystemFiles;

/// <summary>The kernel's reasons that readers tell apart (asm-generic/errno.h: the same numbers on x64 and arm64).</summary>
public enum Errno
{
    None = 0,
    Eperm = 1,
    Enoent = 2,
    Esrch = 3,
    Eintr = 4,
    Eio = 5,
    Enxio = 6,
    E2big = 7,
    Eagain = 11,
    Eacces = 13,
    Ebusy = 16,
    Enodev = 19,
    Enotdir = 20,
    Eisdir = 21,
    Einval = 22,
    Emfile = 24,
    Enotty = 25,
    Erofs = 30,
    Enosys = 38,
    Enodata = 61,
    Eopnotsupp = 95,
    Etimedout = 110,
    Eremoteio = 121,
}

public static class Errnos
{
    /// <summary>For a person, for example <c>Permission denied (EACCES)</c>.</summary>
    public static string Describe(this Errno error) => $"{Marshal.GetPInvokeErrorMessage((int)error)} ({error.ToString().ToUpperInvariant()})";
}
