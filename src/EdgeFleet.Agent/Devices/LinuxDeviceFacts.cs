using System.Reflection;
using EdgeFleet.Core.Devices;
using EdgeFleet.Linux;
using EdgeFleet.Linux.Hardware;

namespace EdgeFleet.Agent.Devices;

/// <summary>Facts of the machine that this runs on.</summary>
public sealed class LinuxDeviceFacts(SystemRoot root, int threads) : IDeviceFacts
{
    private readonly HardwareReader _reader = new(root);
    private readonly string _runtime = RuntimeName();

    public HardwareFacts Read() => _reader.Read(_runtime, "cpu", threads);

    /// <summary>From the file beside us: loading the runtime to ask it would cost more memory than the whole supervisor.</summary>
    private static string RuntimeName()
    {
        string path = Path.Join(AppContext.BaseDirectory, "Microsoft.ML.OnnxRuntime.dll");
        return File.Exists(path) && AssemblyName.GetAssemblyName(path).Version is { } version
            ? $"onnxruntime-{version.ToString(3)}"
            : "onnxruntime-unknown";
    }
}
