using EdgeFleet.Inference;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>ONNX Runtime: which, from where, and with what it can run models.</summary>
internal static class RuntimeSection
{
    public const string Area = "runtime";
    private const string Own = "beside the program";

    public static IEnumerable<Finding> Look(Device device)
    {
        if (device.Kind == DeviceKind.Folder)
        {
            yield return new Finding(Area, "ONNX Runtime", FindingState.Limited, Device.NotAsked);
            yield break;
        }
        DeviceAnswer version = Ask(device, "version", () => InferenceRuntime.Version);
        DeviceAnswer library = Ask(device, "library", () => InferenceRuntime.ChosenLibrary ?? Own);
        if (version.Error != Errno.None)
        {
            yield return new Finding(Area, "ONNX Runtime", FindingState.Absent, version.Text, $"set {InferenceRuntime.LibrarySetting} to a libonnxruntime.so of this machine, or unset it to use the one beside the program");
            yield break;
        }
        yield return new Finding(Area, "ONNX Runtime", FindingState.Found, $"{version.Text}, library {library.Text}");
        string[] providers = Ask(device, "providers", () => string.Join(' ', InferenceRuntime.Providers)).Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        List<string> usable = [];
        foreach (string provider in providers)
        {
            DeviceAnswer refusal = Ask(device, $"provider {provider}", () => InferenceRuntime.WhyNot(provider) ?? "");
            if (refusal is { Error: Errno.None, Text.Length: 0 })
            {
                usable.Add(provider);
            }
            yield return usable.Contains(provider)
                ? new Finding(Area, provider, FindingState.Found, "a session can use it")
                : new Finding(Area, provider, FindingState.Absent, refusal.Text, "it was built in, and what it needs besides is not on this machine; models run on the others");
        }
        if (BoardSection.IsJetson(device.Files) && !usable.Any(provider => provider is "CUDAExecutionProvider" or "TensorrtExecutionProvider"))
        {
            yield return new Finding(Area, "GPU of the Jetson", FindingState.Absent, "with this ONNX Runtime neither CUDA nor TensorRT can be used",
                $"set {InferenceRuntime.LibrarySetting} to a libonnxruntime.so that was built for this JetPack; models then run on the GPU with --provider CUDAExecutionProvider");
        }
    }

    private static DeviceAnswer Ask(Device device, string what, Func<string> ask) => device.Questions.Ask($"ONNX Runtime {what}", () =>
    {
        try
        {
            return DeviceAnswer.Of(WithoutHome(ask()));
        }
        catch (Exception ex) when (ex is InferenceException or DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            return DeviceAnswer.Failed(Errno.Enoent, WithoutHome((ex as TypeInitializationException)?.InnerException?.Message ?? ex.Message));
        }
    });

    /// <summary>Whose home the library lies in is nobody's business in a capture.</summary>
    private static string WithoutHome(string text)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 1 ? text.Replace(home, "~", StringComparison.Ordinal) : text;
    }
}
