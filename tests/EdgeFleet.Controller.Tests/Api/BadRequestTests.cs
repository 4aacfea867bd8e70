using System.Net;
using System.Text;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Api;

/// <summary>What a client hears of a body that cannot be read: the place in its own document, and nothing of the code here.</summary>
public sealed class BadRequestTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestController _controller = null!;

    public async Task InitializeAsync() => _controller = await TestController.StartAsync(_folder);

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("""{"count":"many"}""", "another type than is asked for at '$.count' (line 1,")]
    [InlineData("""{"counts":1}""", "a member at '$.counts' (line 1, byte")]
    [InlineData("""{"count":1""", "not the JSON document")]
    [InlineData("[]", "another type than is asked for at '$'")]
    [InlineData("nonsense", "not the JSON document")]
    [InlineData("", "")]
    [InlineData(null, "the request needs a JSON body")]
    public async Task A_body_that_cannot_be_read_is_answered_with_its_place(string? body, string expected)
    {
        using StringContent? content = body is null ? null : new(body, Encoding.UTF8, "application/json");

        (HttpStatusCode status, string detail) = await _controller.RefusedAsync(HttpMethod.Post, "enrollment-tokens", content);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(expected, detail, StringComparison.Ordinal);
        Assert.DoesNotContain("EdgeFleet.", detail, StringComparison.Ordinal);
        Assert.DoesNotContain("parameter", detail, StringComparison.Ordinal);
    }
}
