using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using Grpc.Core;

namespace EdgeFleet.Agent.Tests.Serving.Grpc;

public sealed class GrpcErrorsTests
{
    [Theory]
    [InlineData(400, StatusCode.InvalidArgument)]
    [InlineData(404, StatusCode.NotFound)]
    [InlineData(413, StatusCode.ResourceExhausted)]
    [InlineData(429, StatusCode.ResourceExhausted)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Internal)]
    public void Each_status_of_REST_is_one_of_gRPC_in_the_same_words(int http, StatusCode expected)
    {
        RpcException refused = GrpcErrors.Of(new RequestException(http, "model 'add' says no"));

        Assert.Equal((expected, "model 'add' says no"), (refused.StatusCode, refused.Status.Detail));
        Assert.Empty(refused.Trailers);
    }

    [Fact]
    public void When_to_try_again_goes_along() =>
        Assert.Equal("2000", GrpcErrors.Of(new RequestException(503, "later") { RetryAfterSeconds = 2 }).Trailers.Single(entry => entry.Key == GrpcErrors.RetryAfter).Value);
}
