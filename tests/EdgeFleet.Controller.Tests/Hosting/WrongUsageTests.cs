using System.CommandLine;
using EdgeFleet.Controller.Hosting;

namespace EdgeFleet.Controller.Tests.Hosting;

public sealed class WrongUsageTests
{
    [Theory]
    [InlineData("--nonsense")]
    [InlineData("--data")]
    [InlineData("--data", "/tmp/x", "--device-port", "many")]
    [InlineData("--data", "/tmp/x", "--operator-url", "nowhere")]
    [InlineData("--data", "/tmp/x", "--bind", "everywhere")]
    [InlineData("--data", "/tmp/x", "more")]
    public async Task A_wrong_argument_ends_with_2_as_the_help_says(params string[] arguments) =>
        Assert.Equal(2, await ControllerCommand.InvokeAsync(arguments));

    [Fact]
    public void Every_option_that_the_environment_can_set_is_one_of_the_command_line_too()
    {
        HashSet<string> asked = [];
        ParseResult parsed = ControllerCommand.Create().Parse(["--data", "/tmp/x"]);
        Assert.NotNull(ControllerCommand.Read(parsed, name => { asked.Add(name); return null; }, TextWriter.Null));

        Assert.Equal(
            asked.Append("EDGEFLEET_DATA").Order(StringComparer.Ordinal),
            ControllerCommand.Create().Options.Where(option => option is Option<string>).Select(option => "EDGEFLEET_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant()).Order(StringComparer.Ordinal));
    }
}
