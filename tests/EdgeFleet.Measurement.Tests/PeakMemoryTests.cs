using System.Runtime.InteropServices;
using EdgeFleet.Linux.Memory;

namespace EdgeFleet.Measurement.Tests;

/// <summary>Alone in the process while they run: what other tests allocate and free would be counted too.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    public const string Name = "whole process";
}

[Collection(WholeProcess.Name)]
public sealed class PeakMemoryTests
{
    [Fact]
    public void A_new_peak_begins_at_what_is_resident_now()
    {
        // Memory of the system's own allocator: what the collector keeps is its own affair.
        Touch(64 << 20);
        long before = PeakMemory.Read()!.Value;

        Assert.Null(PeakMemory.Restart());
        long restarted = PeakMemory.Read()!.Value;
        Assert.True(restarted < before - (32 << 20), $"peak {before} before, {restarted} after");

        Touch(64 << 20);
        Assert.True(PeakMemory.Read() > restarted + (48 << 20));
    }

    private static unsafe void Touch(nuint bytes)
    {
        byte* memory = (byte*)NativeMemory.Alloc(bytes);
        NativeMemory.Fill(memory, bytes, 1);
        NativeMemory.Free(memory);
    }
}
