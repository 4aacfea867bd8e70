using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.Memory;

/// <summary>The C library's heap, where ONNX Runtime keeps its models.</summary>
public static partial class NativeHeap
{
    /// <summary>
    /// Gives free pages back to the system. After a model was freed the heap keeps them, and models loaded one after the
    /// other would make a process grow by its fragments.
    /// </summary>
    public static void Trim()
    {
        try
        {
            _ = malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has none: its allocator gives free pages back by itself.
            return;
        }
    }

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint pad);
}
