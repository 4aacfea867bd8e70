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
}
