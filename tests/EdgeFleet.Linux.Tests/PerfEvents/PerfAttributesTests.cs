using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Native;

namespace EdgeFleet.Linux.Tests.PerfEvents;

public sealed class PerfAttributesTests
{
    [Fact]
    public void The_bytes_of_a_request_are_those_of_the_documented_layout()
    {
        Assert.Equal(
            "00000000" + "70000000" + "0100000000000000" + "0000000000000000" + "0000000000000000" + "0300000000000000" + "6300000000000000" + new string('0', 2 * (112 - 48)),
            Hex(PerfEventTable.Instructions));
        Assert.StartsWith("03000000" + "70000000" + "0200010000000000", Hex(PerfEventTable.LastLevelReadMisses), StringComparison.Ordinal);
        // A switch of context happens in the kernel: neither it nor the hypervisor is left out.
        Assert.Equal("0300000000000000", Hex(PerfEventTable.ContextSwitches).Substring(2 * 40, 16));
    }

    [Fact]
    public void Nothing_of_an_earlier_request_remains_in_the_buffer()
    {
        byte[] used = new byte[PerfAttributes.Size];
        used.AsSpan().Fill(0xFF);
        PerfAttributes.Write(PerfEventTable.Cycles, used);

        Assert.Equal(Hex(PerfEventTable.Cycles), Convert.ToHexStringLower(used));
    }

    [CCompilerFact]
    public void The_kernel_s_own_header_makes_the_same_bytes_of_every_event()
    {
        string[] lines = CCompiler.Run(Checkout.File("tests/EdgeFleet.Linux.Tests/PerfEvents/perf_attributes.c"));

        PerfEvent[] events = [.. PerfEventTable.Generic, PerfEventTable.TaskClock, PerfEventTable.PageFaults, PerfEventTable.ContextSwitches, PerfEventTable.Armv8()[0]];
        Assert.Equal(events.Select(Hex), lines[..^1]);
        Assert.Equal($"{(uint)PerfRequest.Enable:x} {(uint)PerfRequest.Disable:x}", lines[^1]);
    }

    private static string Hex(PerfEvent item)
    {
        byte[] bytes = new byte[PerfAttributes.Size];
        PerfAttributes.Write(item, bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
