using EdgeFleet.Agent.Devices;
using EdgeFleet.Inference;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Agent.Tests.Devices;

public sealed class DeviceFactsTests
{
    [Fact]
    public void The_runtime_that_is_named_without_loading_it_is_the_one_that_workers_load() =>
        Assert.Equal($"onnxruntime-{InferenceRuntime.Version}", new LinuxDeviceFacts(KernelFiles.Host, threads: 1).Read().Runtime);
}
