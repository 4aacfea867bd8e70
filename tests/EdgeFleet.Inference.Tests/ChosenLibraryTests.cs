using System.Diagnostics;

namespace EdgeFleet.Inference.Tests;

/// <summary>The library is chosen once per process, so each case runs in a process of its own.</summary>
public sealed class ChosenLibraryTests
{
    private static string OwnLibrary => Path.Join(AppContext.BaseDirectory, "libonnxruntime.so");

    [Fact]
    public void A_device_may_bring_its_own_library_by_file_or_by_folder()
    {
        using EdgeFleet.Testing.TemporaryFolder folder = new();
        string library = folder["libonnxruntime.so.1.29.0"];
        File.CreateSymbolicLink(library, OwnLibrary);

        Assert.Equal((0, $"1.29.0 {library}"), Ask(library));
        Assert.Equal((0, $"1.29.0 {library}"), Ask(folder.Path));
    }

    [Fact]
    public void A_library_that_is_missing_or_is_something_else_is_named()
    {
        (int code, string said) = Ask("/no/such/libonnxruntime.so");
        Assert.Equal(1, code);
        Assert.Contains("EDGEFLEET_ONNXRUNTIME='/no/such/libonnxruntime.so': the library cannot be loaded", said, StringComparison.Ordinal);

        using EdgeFleet.Testing.TemporaryFolder folder = new();
        (code, said) = Ask(folder.Path);
        Assert.Equal(1, code);
        Assert.Contains("the folder holds no libonnxruntime.so", said, StringComparison.Ordinal);

        (code, said) = Ask("/lib/" + (Environment.Is64BitProcess && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64") + "-linux-gnu/libz.so.1");
        Assert.Equal(1, code);
        Assert.Contains("this is not ONNX Runtime", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(62, "x64")]
    [InlineData(183, "arm64")]
    [InlineData(243, "machine 243")]
    public void A_library_of_another_processor_beside_the_program_says_so(int machine, string name)
    {
        using EdgeFleet.Testing.TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(file => file.EndsWith(".dll", StringComparison.Ordinal) || file.EndsWith(".json", StringComparison.Ordinal)))
        {
            // Copies: through a link the program would be where the link leads.
            File.Copy(file, folder[Path.GetFileName(file)]);
        }
        byte[] header = File.ReadAllBytes(OwnLibrary)[..64];
        (header[18], header[19]) = ((byte)machine, 0);
        string library = folder.Write("libonnxruntime.so", header);

        (int code, string said) = Ask("", folder.Path);

        Assert.Equal(1, code);
        Assert.Contains($"'{library}': the library cannot be loaded: ", said, StringComparison.Ordinal);
        string own = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        // Cut short, one of this processor is refused by the loader in its own words.
        Assert.Equal(name != own, said.Contains($"it is for {name}, this is {own}", StringComparison.Ordinal));
    }

    private static (int Code, string Said) Ask(string setting, string? program = null)
    {
        ProcessStartInfo start = new("dotnet", [Path.Join(program ?? AppContext.BaseDirectory, "EdgeFleet.Inference.Tests.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[InferenceRuntime.LibrarySetting] = setting;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, (output + errors.Result).Trim());
    }
}
