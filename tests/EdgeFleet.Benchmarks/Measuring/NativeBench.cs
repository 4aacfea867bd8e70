using System.Diagnostics;
using EdgeFleet.Inference;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>The C program over libonnxruntime, compiled from <c>Native/native_bench.c</c>, and the library that we use ourselves.</summary>
internal static class NativeBench
{
    public static string Library => InferenceRuntime.ChosenLibrary ?? Path.Join(AppContext.BaseDirectory, "libonnxruntime.so");

    /// <returns>The path of the program.</returns>
    /// <exception cref="InvalidOperationException">There is no compiler or no header, or it does not compile.</exception>
    public static async Task<string> CompileAsync(string folder, CancellationToken cancellationToken)
    {
        string source = Path.Join(Checkout.Root, "tests", "EdgeFleet.Benchmarks", "Measuring", "Native", "native_bench.c");
        string headers = Path.Join(Checkout.Root, "eng", "onnxruntime", "node_modules", "com.github.asus4.onnxruntime", "include");
        if (!File.Exists(Path.Join(headers, "onnxruntime_c_api.h")))
        {
            throw new InvalidOperationException($"'{headers}' has no onnxruntime_c_api.h; 'make setup' fetches it");
        }
        string program = Path.Join(folder, "native_bench");
        ProcessStartInfo start = new("gcc", ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-I", headers, "-o", program, source, "-ldl"])
        {
            RedirectStandardError = true,
        };
        try
        {
            using Process gcc = Process.Start(start)!;
            string said = await gcc.StandardError.ReadToEndAsync(cancellationToken);
            await gcc.WaitForExitAsync(cancellationToken);
            return gcc.ExitCode == 0 ? program : throw new InvalidOperationException($"'{source}' does not compile: {said}");
        }
        catch (System.ComponentModel.Win32Exception ex)
        {
            throw new InvalidOperationException($"gcc: {ex.Message}; 'make setup' installs it", ex);
        }
    }
}
