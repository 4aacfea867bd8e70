using System.ComponentModel;
using System.Diagnostics;

namespace EdgeFleet.Benchmarks.Gpio;

/// <summary>A program of the system that runs to its end.</summary>
internal static class Tool
{
    /// <summary>What it printed.</summary>
    /// <exception cref="IOException">It is not there, or it failed; the message has its last lines.</exception>
    public static async Task<string> RunAsync(
        string file, IReadOnlyList<string> arguments, string folder, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        ProcessStartInfo info = new(file, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment)
        {
            info.Environment[name] = value;
        }
        using Process process = Start(info);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new IOException($"{file} {arguments[0]} ended with {process.ExitCode}: {(await errors).TrimEnd()}");
    }

    public static Process Start(ProcessStartInfo info)
    {
        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception ex)
        {
            throw new IOException($"'{info.FileName}' cannot be started ({ex.Message}); eng/debian-packages-evidence.txt names the packages", ex);
        }
    }
}
