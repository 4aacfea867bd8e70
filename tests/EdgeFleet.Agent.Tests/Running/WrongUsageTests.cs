using System.Diagnostics;

namespace EdgeFleet.Agent.Tests.Running;

/// <summary>Arguments that nobody can use, given to the process itself: a sentence and exit code 2, never a stack trace.</summary>
public sealed class WrongUsageTests
{
    [Theory]
    [InlineData("--threads 'x': expected a whole number from 1 to 1024", "run", "--state", "/tmp", "--threads", "x")]
    [InlineData("--threads '0': expected a whole number", "run", "--state", "/tmp", "--threads", "0")]
    [InlineData("--threads '1.5': expected a whole number", "run", "--state", "/tmp", "--threads", "1.5")]
    [InlineData("--threads", "run", "--state", "/tmp", "--threads")]
    [InlineData("--threads 'x': expected a whole number", "enroll", "--state", "/tmp", "--bundle", "b.json", "--threads", "x")]
    [InlineData("--url", "enroll", "--state", "/tmp", "--url")]
    [InlineData("Give --bundle FILE", "enroll", "--state", "/tmp", "--url", "x")]
    [InlineData("--wait 'soon': expected a whole number", "rollback", "--state", "/tmp", "--model", "fashion", "--wait", "soon")]
    [InlineData("--wait '-1': expected a whole number", "rollback", "--state", "/tmp", "--model", "fashion", "--wait", "-1")]
    [InlineData("'gpiochip0' is no line; it is CHIP:LINE", "run", "--state", "/tmp", "--rollback-button", "gpiochip0")]
    [InlineData("'ina226@1:0x40': nothing on the bus tells its shunt", "run", "--state", "/tmp", "--meter", "ina226@1:0x40")]
    [InlineData("'ina7@1': expected CHIP@BUS:ADDRESS", "run", "--state", "/tmp", "--meter", "ina7@1", "--shunt-ohms", "0.1", "--max-amperes", "3")]
    [InlineData("--shunt-ohms '-1': expected a number above 0", "run", "--state", "/tmp", "--shunt-ohms", "-1")]
    [InlineData("--hook 'reload.sh': expected an absolute path", "file-mode", "set", "fashion", "--state", "/tmp", "--hook", "reload.sh")]
    [InlineData("there is no such program, or it may not be executed", "file-mode", "set", "fashion", "--state", "/tmp", "--hook", "/etc/passwd")]
    [InlineData("model 'Fashion': expected 1 to 63 lower-case letters", "file-mode", "set", "Fashion", "--state", "/tmp", "--hook", "/bin/true")]
    [InlineData("--hook-seconds '241': expected a whole number from 1 to 240", "file-mode", "set", "fashion", "--state", "/tmp", "--hook", "/bin/true", "--hook-seconds", "241")]
    [InlineData("'/nowhere' does not exist; edgefleet-agent enroll", "file-mode", "set", "fashion", "--state", "/nowhere", "--hook", "/bin/true")]
    [InlineData("xml", "status", "--state", "/tmp", "-o", "xml")]
    [InlineData("--nonsense", "run", "--state", "/tmp", "--nonsense")]
    [InlineData("--job", "bench")]
    public async Task A_wrong_argument_is_named_and_ends_with_2(string expected, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process agent = Process.Start(start)!;
        Task<string> errors = agent.StandardError.ReadToEndAsync();
        await agent.StandardOutput.ReadToEndAsync();
        await agent.WaitForExitAsync();

        Assert.Contains(expected, await errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", await errors, StringComparison.Ordinal);
        Assert.Equal(2, agent.ExitCode);
    }
}
