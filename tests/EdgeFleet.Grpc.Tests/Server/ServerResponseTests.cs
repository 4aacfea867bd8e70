using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeFleet.Grpc.Tests.Server;

public sealed class ServerResponseTests
{
    private static readonly Marshaller<byte[]> s_bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);

    [Fact]
    public async Task A_write_into_a_closed_stream_ends_the_call_although_RequestAborted_has_not_fired_yet()
    {
        Pipe pipe = new();
        await pipe.Reader.CompleteAsync();
        DefaultHttpContext http = new();
        http.Features.Set<IHttpResponseBodyFeature>(new PipeBody(pipe.Writer));
        using CallLifetime lifetime = new(timeout: null, TimeProvider.System, CancellationToken.None);
        ServerResponse response = new(http, lifetime, maxSendBytes: null);

        await Assert.ThrowsAsync<OperationCanceledException>(() => response.WriteAsync(s_bytes, [1, 2, 3], flush: true, CancellationToken.None));
        Assert.True(lifetime.CallerIsGone);
        Assert.True(lifetime.Token.IsCancellationRequested);
    }

    private sealed class PipeBody(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => writer.AsStream();

        public PipeWriter Writer => writer;

        public Task CompleteAsync() => Task.CompletedTask;

        public void DisableBuffering()
        {
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
