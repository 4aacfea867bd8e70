using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EdgeFleet.Grpc.Tests.Client;

public sealed class SocketsHandlerDefaultsTests
{
    [Fact]
    public void A_handler_as_the_framework_makes_it_gets_pings_and_more_than_one_connection()
    {
        using SocketsHttpHandler handler = new();
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });

        Assert.True(handler.EnableMultipleHttp2Connections);
        Assert.Equal(HttpKeepAlivePingPolicy.WithActiveRequests, handler.KeepAlivePingPolicy);
        Assert.NotEqual(Timeout.InfiniteTimeSpan, handler.KeepAlivePingDelay);
        Assert.NotEqual(Timeout.InfiniteTimeSpan, handler.KeepAlivePingTimeout);
        Assert.True(handler.InitialHttp2StreamWindowSize > 65_535);
    }

    [Fact]
    public void What_the_caller_set_stays()
    {
        using SocketsHttpHandler handler = new()
        {
            KeepAlivePingDelay = TimeSpan.FromHours(2),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            InitialHttp2StreamWindowSize = 128 * 1024,
        };
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });

        Assert.Equal(TimeSpan.FromHours(2), handler.KeepAlivePingDelay);
        Assert.Equal(HttpKeepAlivePingPolicy.Always, handler.KeepAlivePingPolicy);
        Assert.Equal(128 * 1024, handler.InitialHttp2StreamWindowSize);
    }

    [Fact]
    public async Task Two_channels_share_a_handler_that_has_been_used()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using SocketsHttpHandler handler = new();
        for (int i = 0; i < 2; i++)
        {
            using GrpcChannel channel = server.Open(options => options.HttpHandler = handler);
            Assert.Equal(i, (await new EdgeFleet.Probing.Probe.ProbeClient(channel).EchoAsync(new EdgeFleet.Probing.Message { Number = i })).Number);
        }
    }

    [Fact]
    public void A_host_with_gRPC_pings_its_callers_unless_it_says_otherwise()
    {
        Assert.NotEqual(TimeSpan.MaxValue, PingDelay(_ => { }));
        Assert.Equal(TimeSpan.FromHours(2), PingDelay(kestrel => kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromHours(2)));
    }

    [Theory]
    [InlineData("localhost:5000")]
    [InlineData("/relative")]
    [InlineData("unix:/run/socket")]
    public void An_address_that_is_no_http_address_is_refused(string address) =>
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress(address));

    private static TimeSpan PingDelay(Action<KestrelServerOptions> configure)
    {
        ServiceCollection services = new();
        services.Configure(configure);
        services.AddGrpc();
        using ServiceProvider provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.Http2.KeepAlivePingDelay;
    }
}
