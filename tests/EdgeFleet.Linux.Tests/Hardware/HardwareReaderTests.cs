using EdgeFleet.Core.Devices;
using EdgeFleet.Linux.Hardware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.Hardware;

public sealed class HardwareReaderTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_board_names_itself_in_the_device_tree()
    {
        _root.Write("proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0");
        _root.Write("proc/meminfo", "MemTotal:        7802392 kB\nMemFree:          100 kB\n");
        _root.Write("var/lib/nvpmodel/status", "pmode:0007\n");

        HardwareFacts facts = Read();

        Assert.Equal("nvidia-jetson-orin-nano-developer-kit", facts.Board);
        Assert.Equal(7680, facts.MemoryMiB);
        Assert.Equal("nvpmodel-0007", facts.PowerMode);
    }

    [Fact]
    public void A_computer_is_known_by_its_firmware()
    {
        _root.Write("sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
        _root.Write("sys/class/dmi/id/product_name", "OptiPlex 7090\n");

        Assert.Equal("dell-inc-optiplex-7090", Read().Board);
    }

    [Fact]
    public void A_firmware_that_names_nothing_leaves_the_architecture()
    {
        _root.Write("sys/class/dmi/id/product_name", "To Be Filled By O.E.M.\n");

        Assert.Equal(HardwareReader.Architecture, Read().Board);
        Assert.Equal("default", Read().PowerMode);
    }

    [Fact]
    public void Memory_that_firmware_takes_a_little_more_of_makes_no_new_class()
    {
        _root.Write("proc/meminfo", "MemTotal:        7802392 kB\n");
        HardwareFacts before = Read();
        _root.Write("proc/meminfo", "MemTotal:        7790000 kB\n");

        Assert.Equal(before.ClassId, Read().ClassId);
    }

    private HardwareFacts Read() => new HardwareReader(new KernelFiles(_root.Path)).Read("onnxruntime-1.29.0", "cpu", 2);
}
