using System.CommandLine;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary><c>edgefleet-agent file-mode</c> on a real folder.</summary>
public sealed class FileModeCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_is_put_into_file_mode_changed_and_taken_out_again()
    {
        StateFolder state = new(_folder.Path, LinuxFileStore.Instance);

        Assert.Equal(0, Run("set", "fashion", "--state", _folder.Path, "--hook", "/bin/true", "--hook-argument", "-x", "--hook-argument", "two words"));
        Assert.Equal(0, Run("set", "fashion", "--state", _folder.Path, "--hook", "/bin/true", "--hook-argument", "two words", "--hook-seconds", "7"));

        FileModeEntry entry = FileModeEntry.Read(state, "fashion", out _)!;
        Assert.Equal(("/bin/true", "two words", 7, 60), (entry.Hook, Assert.Single(entry.Arguments), entry.HookSeconds, entry.SilentSeconds));
        Assert.Equal(["fashion"], FileModeEntry.Models(state.Files, state.FileMode));
        Assert.Equal(0, Run("unset", "fashion", "--state", _folder.Path));
        Assert.Equal(0, Run("unset", "fashion", "--state", _folder.Path));
        Assert.Empty(FileModeEntry.Models(state.Files, state.FileMode));
    }

    private static int Run(params string[] arguments) => FileModeCommand.Create().Parse(arguments).Invoke();
}
