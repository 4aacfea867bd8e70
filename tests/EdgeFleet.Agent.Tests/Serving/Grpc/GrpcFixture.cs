using System.Net.Sockets;
using EdgeFleet.Agent.Serving;
using EdgeFleet.Protocol.OpenInference;
using Grpc.Net.Client;

namespace EdgeFleet.Agent.Tests.Serving.Grpc;

/// <summary>A runner in this process with an application's gRPC connection to it.</summary>
internal sealed class GrpcFixture : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    private GrpcFixture(RunnerFixture runner, string socket)
    {
        Runner = runner;
        Socket = socket;
        _channel = GrpcChannel.ForAddress("http://runner", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellationToken) =>
                {
                    Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                    return new NetworkStream(connection, ownsSocket: true);
                },
            },
            DisposeHttpClient = true,
            MaxSendMessageSize = null,
        });
        Client = new GRPCInferenceService.GRPCInferenceServiceClient(_channel);
    }

    public RunnerFixture Runner { get; }

    public string Socket { get; }

    public GrpcChannel Channel => _channel;

    public GRPCInferenceService.GRPCInferenceServiceClient Client { get; }

    public static async Task<GrpcFixture> StartAsync(DeviceState state, Func<ServeOptions, ServeOptions>? change = null)
    {
        string socket = state["grpc.sock"];
        RunnerFixture runner = await RunnerFixture.StartAsync(
            state, options => (change?.Invoke(options) ?? options) with { GrpcListen = [ListenAddress.UnixSocket(socket)] });
        return new GrpcFixture(runner, socket);
    }

    /// <summary>A row of floats for a model whose input is x.</summary>
    public static ModelInferRequest Row(string model, params float[] values) => new()
    {
        ModelName = model,
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "x",
                Datatype = "FP32",
                Shape = { 1, values.Length },
                Contents = new InferTensorContents { Fp32Contents = { values } },
            },
        },
    };

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Runner.DisposeAsync();
    }
}
