using EdgeFleet.Agent.Devices;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Agent.Tests.Devices;

public sealed class DeviceGaugesTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Memory_load_and_room_are_read_in_their_units()
    {
        Put("meminfo", "MemTotal:       16299012 kB\nMemFree:         1024 kB\nMemAvailable:    2048 kB\n");
        Put("loadavg", "0.52 0.58 0.59 1/467 12345\n");

        IReadOnlyDictionary<string, double> values = Read();

        Assert.Equal(2048 * 1024, values["memory_available_bytes"]);
        Assert.Equal(0.52, values["load_average_1m"]);
        Assert.True(values["disk_free_bytes"] > 0);
        Assert.True(values["agent_memory_bytes"] > 1 << 20);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData("MemAvailable: many kB", "busy 1 2")]
    [InlineData("MemAvailable: -3 kB", "-1")]
    [InlineData("MemAvailable:", "NaN")]
    public void What_cannot_be_read_is_absent_and_never_zero(string? memory, string? load)
    {
        Put("meminfo", memory);
        Put("loadavg", load);

        Assert.Equal(["agent_memory_bytes", "disk_free_bytes"], Read().Keys.Order(StringComparer.Ordinal));
    }

    private IReadOnlyDictionary<string, double> Read() => new LinuxDeviceGauges(new KernelFiles(_root.Path), LinuxFileStore.Instance, _root.Path).Read();

    private void Put(string name, string? text)
    {
        if (text is not null)
        {
            Directory.CreateDirectory(_root["proc"]);
            File.WriteAllText(_root[$"proc/{name}"], text);
        }
    }
}
