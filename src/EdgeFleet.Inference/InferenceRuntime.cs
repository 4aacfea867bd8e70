using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using EdgeFleet.Linux.Processes;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>
/// ONNX Runtime itself: its version, its providers and where it was loaded from. The library beside the program is used
/// unless <see cref="LibrarySetting"/> names another one, such as a board's own build with its accelerator.
/// </summary>
public static class InferenceRuntime
{
    /// <summary>Environment variable: a libonnxruntime.so, or the folder that holds it.</summary>
    public const string LibrarySetting = "EDGEFLEET_ONNXRUNTIME";

    public const string CpuProvider = "CPUExecutionProvider";

    /// <summary>The managed binding reads this release's table of functions; in an older library it would read past the end.</summary>
    private static readonly Version s_oldest = new(1, 29);

    private static readonly Lazy<string?> s_library = new(LoadChosenLibrary);

    /// <summary>For example <c>1.29.0</c>.</summary>
    public static string Version
    {
        get
        {
            Ensure();
            return OrtEnv.Instance().GetVersionString();
        }
    }

    /// <summary>Execution providers of the loaded library, by ONNX Runtime's names.</summary>
    public static IReadOnlyList<string> Providers
    {
        get
        {
            Ensure();
            return OrtEnv.Instance().GetAvailableProviders();
        }
    }

    /// <summary>Why a session cannot use a provider, though it is listed: its own library or a driver is missing. Null where it can.</summary>
    public static string? WhyNot(string provider)
    {
        Ensure();
        OrtLoggingLevel level = OrtEnv.Instance().EnvLogLevel;
        try
        {
            // It writes its reasons to standard error besides.
            OrtEnv.Instance().EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
            // Adding it loads what it needs; no model is run.
            using SessionOptions settings = SessionSettings.From(new InferenceOptions { Provider = provider });
            return null;
        }
        catch (Exception ex) when (ex is OnnxRuntimeException or NotSupportedException or EntryPointNotFoundException)
        {
            return ex.Message.ReplaceLineEndings(" ").Trim();
        }
        finally
        {
            OrtEnv.Instance().EnvLogLevel = level;
        }
    }

    /// <summary>The library that <see cref="LibrarySetting"/> chose, or null for the one beside the program.</summary>
    public static string? ChosenLibrary
    {
        get
        {
            Ensure();
            return s_library.Value;
        }
    }

    /// <summary>Comes before any use of ONNX Runtime's types, whose static constructor loads the library.</summary>
    internal static void Ensure() => _ = s_library.Value;

    private static string? LoadChosenLibrary()
    {
        // The released libraries for Linux report their use to their maker, from threads of their own and a database in the
        // temporary folder. What runs on a device is its owner's business, and the threads would be measured too. .NET's own
        // variables do not reach the C library's; one that is set already stands.
        NativeEnvironment.Default("ORT_DISABLE_TELEMETRY", "1");
        string? chosen = Environment.GetEnvironmentVariable(LibrarySetting);
        if (string.IsNullOrEmpty(chosen))
        {
            // The binding loads it by itself; were it of another processor, it would say that the file does not exist.
            string beside = Path.Join(AppContext.BaseDirectory, "libonnxruntime.so");
            if (File.Exists(beside))
            {
                Open(beside, $"'{beside}'");
            }
            return null;
        }
        string path = FileIn(chosen);
        nint library = Open(path, $"{LibrarySetting}='{path}'");
        OrtEnv.DisableDllImportResolver = true;
        NativeLibrary.SetDllImportResolver(typeof(OrtEnv).Assembly, (name, _, _) => name == "onnxruntime" ? library : 0);
        return path;
    }

    private static string FileIn(string chosen)
    {
        if (!Directory.Exists(chosen))
        {
            return Path.GetFullPath(chosen);
        }
        string? file = Directory.EnumerateFiles(chosen, "libonnxruntime.so*").Order(StringComparer.Ordinal).FirstOrDefault();
        return file ?? throw new InferenceException($"{LibrarySetting}='{chosen}': the folder holds no libonnxruntime.so");
    }

    [SuppressMessage("Design", "CA1031", Justification = "dlopen's reasons arrive as several exception types; each means the same here.")]
    private static nint Open(string path, string name)
    {
        nint library;
        try
        {
            library = NativeLibrary.Load(path);
        }
        catch (Exception ex)
        {
            throw new InferenceException($"{name}: the library cannot be loaded: {LibraryFile.WhyNot(path) ?? ex.Message}", ex);
        }
        string version = VersionOf(library)
            ?? throw new InferenceException($"{name}: this is not ONNX Runtime, it has no OrtGetApiBase");
        return System.Version.TryParse(version, out Version? parsed) && parsed >= s_oldest
            ? library
            : throw new InferenceException($"{name}: this is ONNX Runtime {version}; {s_oldest} or newer is needed");
    }

    private static unsafe string? VersionOf(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "OrtGetApiBase", out nint getApiBase))
        {
            return null;
        }
        // struct OrtApiBase { const OrtApi* (*GetApi)(uint32_t); const char* (*GetVersionString)(void); }, onnxruntime_c_api.h
        nint* apiBase = ((delegate* unmanaged<nint*>)getApiBase)();
        return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)apiBase[1])());
    }
}
