using System.Text.Json;
using EdgeFleet.Core.Devices;
using EdgeFleet.Linux.Hardware;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Agent.Devices;

/// <summary>Facts of the machine that this runs on.</summary>
public sealed class LinuxDeviceFacts(ISystemFiles files, int threads) : IDeviceFacts
{
    private const string Binding = "Microsoft.ML.OnnxRuntime";
    private readonly HardwareReader _reader = new(files);
    private readonly string _runtime = RuntimeName();

    public HardwareFacts Read() => _reader.Read(_runtime, "cpu", threads);

    /// <summary>
    /// From the list of libraries that was written when the program was built: loading the runtime to ask it would cost more
    /// memory than the whole supervisor, and reading its assembly's header brings in a metadata reader of two megabytes.
    /// </summary>
    private static string RuntimeName()
    {
        string path = Path.Join(AppContext.BaseDirectory, "edgefleet-agent.deps.json");
        if (File.Exists(path))
        {
            using JsonDocument libraries = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (JsonProperty library in libraries.RootElement.GetProperty("libraries").EnumerateObject())
            {
                // "Microsoft.ML.OnnxRuntime…/1.29.0": the binding has the release of the runtime that it binds.
                if (library.Name.StartsWith(Binding, StringComparison.Ordinal) && Version.TryParse(library.Name[(library.Name.IndexOf('/') + 1)..], out Version? version))
                {
                    return $"onnxruntime-{version.ToString(3)}";
                }
            }
        }
        return "onnxruntime-unknown";
    }
}
