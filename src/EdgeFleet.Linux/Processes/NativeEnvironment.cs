using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.Processes;

/// <summary>The C library's environment variables, which native code reads: those of .NET are a copy that does not reach it.</summary>
public static partial class NativeEnvironment
{
    /// <summary>Sets a variable where it is not set yet. Before any other thread of native code runs.</summary>
    public static void Default(string name, string value) => _ = setenv(name, value, overwrite: 0);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
