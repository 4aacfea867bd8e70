using System.ComponentModel;
using System.Diagnostics;

namespace EdgeFleet.Testing.Native;

/// <summary>The system's C compiler with the kernel's own headers: the other opinion on bytes that the kernel reads.</summary>
public static class CCompiler
{
    private static readonly Lazy<string?> s_whyNot = new(Probe);

    /// <summary>Null where a program that includes the kernel's headers can be built.</summary>
    public static string? WhyNot => s_whyNot.Value;

    /// <summary>Builds one C file and answers the lines that it prints.</summary>
    public static string[] Run(string source, params string[] arguments)
    {
        using TemporaryFolder folder = new();
        string program = folder["program"];
        Execute("gcc", "-std=c11", "-Wall", "-Werror", "-o", program, source);
        return Execute(program, arguments).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string? Probe()
    {
        using TemporaryFolder folder = new();
        string source = folder.Write("probe.c", "#include <linux/gpio.h>\n#include <linux/perf_event.h>\nint main(void) { return GPIO_V2_LINE_NUM_ATTRS_MAX ? 0 : 1; }\n");
        try
        {
            Execute("gcc", "-o", folder["probe"], source);
            return null;
        }
        catch (Exception ex) when (ex is Win32Exception or InvalidOperationException)
        {
            return $"no C compiler with the kernel's headers here (Debian: gcc, libc6-dev, linux-libc-dev): {ex.Message}";
        }
    }

    private static string Execute(string file, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{file} ended with {process.ExitCode}: {errors.Result}");
    }
}
