namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>Our server and clients that are not ours.</summary>
public abstract class ForeignClientTests(ForeignClientRun run)
{
    [Theory]
    [InlineData("cancellation_is_seen")]
    [InlineData("unary")]
    [InlineData("metadata")]
    [InlineData("status_text")]
    [InlineData("unimplemented")]
    [InlineData("server_stream")]
    [InlineData("server_stream_status")]
    [InlineData("client_stream")]
    [InlineData("client_stream_ended_early")]
    [InlineData("duplex_lockstep")]
    [InlineData("deadline")]
    [InlineData("over_cap")]
    [InlineData("large_message")]
    [InlineData("large_upload")]
    [InlineData("compressed_is_refused")]
    [InlineData("idle_with_pings")]
    [InlineData("unix_socket")]
    [InlineData("many_calls_at_once")]
    [InlineData("goodbye_of_the_server")]
    [InlineData("connection_cut")]
    public void A_client_of_another_implementation_passes(string check)
    {
        Assert.True(run.Problems.TryGetValue(check, out string? problem), $"The client has no check '{check}'.");
        Assert.True(problem is null, problem);
    }
}

public sealed class PythonClientTests(PythonClientTests.Run run) : ForeignClientTests(run), IClassFixture<PythonClientTests.Run>
{
    public sealed class Run() : ForeignClientRun(PeerLanguage.Python, tls: false);
}

public sealed class PythonTlsClientTests(PythonTlsClientTests.Run run) : ForeignClientTests(run), IClassFixture<PythonTlsClientTests.Run>
{
    public sealed class Run() : ForeignClientRun(PeerLanguage.Python, tls: true);
}

public sealed class NodeClientTests(NodeClientTests.Run run) : ForeignClientTests(run), IClassFixture<NodeClientTests.Run>
{
    public sealed class Run() : ForeignClientRun(PeerLanguage.Node, tls: false);
}

public sealed class NodeTlsClientTests(NodeTlsClientTests.Run run) : ForeignClientTests(run), IClassFixture<NodeTlsClientTests.Run>
{
    public sealed class Run() : ForeignClientRun(PeerLanguage.Node, tls: true);
}
