using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Linux.Memory;

/// <summary>This process's peak of resident memory, from a beginning that can be set.</summary>
public static class PeakMemory
{
    private const string ClearReferences = "/proc/self/clear_refs";

    /// <summary>
    /// Gives free heap back to the system and begins a new peak at what is resident now.
    /// </summary>
    /// <returns>Null when done, else why the kernel does not allow it.</returns>
    public static string? Restart()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        NativeHeap.Trim();
        try
        {
            // proc(5): 5 resets the peak resident set size to the current one.
            File.WriteAllText(ClearReferences, "5");
            return null;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            return $"{ClearReferences} cannot be written: {ex.Message}";
        }
    }

    /// <summary>The peak since <see cref="Restart"/>, or null where the kernel does not tell it.</summary>
    public static long? Read() => ProcStatus.ReadSelf()?.PeakResidentBytes;
}
