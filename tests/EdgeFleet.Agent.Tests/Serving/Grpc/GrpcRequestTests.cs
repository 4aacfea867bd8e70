using EdgeFleet.Protocol.OpenInference;
using EdgeFleet.Testing.Onnx;
using Google.Protobuf;
using Grpc.Core;

namespace EdgeFleet.Agent.Tests.Serving.Grpc;

/// <summary>What a ModelInferRequest may be and what is said of one that is wrong.</summary>
public sealed class GrpcRequestTests : IAsyncLifetime
{
    private readonly DeviceState _state = new();
    private GrpcFixture _grpc = null!;

    public async Task InitializeAsync()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1, 2, 3], rows: -1)));
        _state.Point("bytes", _state.AddArtifact("bytes", TinyModel.Identity(3, 3)));
        _state.Point("sum", _state.AddArtifact("sum", TinyModel.Sum(2)));
        _state.Point("table", _state.AddArtifact("table", TinyModel.Lookup(10, 20, 30)));
        _state.Point("where", _state.AddArtifact("where", TinyModel.NonZero(4)));
        _grpc = await GrpcFixture.StartAsync(_state, options => options with { MaximumBatch = 3 });
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { """{"inputs":[]}""", "the request has 0 input(s), the model takes 1; missing: 'x'" },
        { """{"inputs":[{}]}""", "an input has no name" },
        { """{"inputs":[{"name":"z"}]}""", "input 'z' is not an input of the model; it has x" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"contents":{"fp32Contents":[1,2,3]}}]}""", "input 'x' has no datatype; the model takes FP32" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"INT8","contents":{"intContents":[1,2,3]}}]}""", "input 'x' has datatype 'INT8'; the model takes FP32" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"BYTES","contents":{"bytesContents":["eA=="]}}]}""", "input 'x' has datatype 'BYTES'; the model takes FP32" },
        { """{"inputs":[{"name":"x","datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}]}""", "input 'x' has shape []; the model takes [-1,3]" },
        { """{"inputs":[{"name":"x","shape":["3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}]}""", "input 'x' has shape [3]; the model takes [-1,3]" },
        { """{"inputs":[{"name":"x","shape":["-1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}]}""", "input 'x' has shape [-1,3]; a dimension is a whole number of at least 0" },
        { """{"inputs":[{"name":"x","shape":["4","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}]}""", "one request may have 3 rows" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32"}]}""", "input 'x' has neither contents nor raw_input_contents" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{}}]}""", "input 'x' has 0 values; its shape asks for 3" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2]}}]}""", "input 'x' has 2 values; its shape asks for 3" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3,4]}}]}""", "input 'x' has more than the 3 values" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"intContents":[1,2,3]}}]}""", "input 'x' has int_contents; FP32 goes in fp32_contents" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32"}],"rawInputContents":["AAAA"]}""", "the request brings 3 bytes" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32"}],"rawInputContents":["AAAA","AAAA"]}""", "the request has 1 input(s) and 2 raw_input_contents" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}],"rawInputContents":["AAAA"]}""", "input 'x' has contents, and the request has raw_input_contents" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}],"outputs":[{"name":"q"}]}""", "output 'q' is not an output of the model; it has y" },
        { """{"inputs":[{"name":"x","shape":["1","3"],"datatype":"FP32","contents":{"fp32Contents":[1,2,3]}}],"outputs":[{}]}""", "an output has no name" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_bad_request_is_told_what_is_wrong_by_name_and_value(string json, string expected)
    {
        ModelInferRequest request = JsonParser.Default.Parse<ModelInferRequest>(json);
        request.ModelName = "add";

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => _grpc.Client.ModelInferAsync(request).ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains(expected, refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal((0, 0), await _grpc.Runner.StatusAsync("add") is var seen ? (seen.Requests, seen.Failures) : default);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(-129)]
    public async Task A_number_that_its_type_cannot_hold_is_named(int value)
    {
        ModelInferRequest request = new()
        {
            ModelName = "bytes",
            Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "x", Datatype = "INT8", Shape = { 1, 3 }, Contents = new() { IntContents = { 1, value, 3 } } } },
        };

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => _grpc.Client.ModelInferAsync(request).ResponseAsync);

        Assert.Equal((StatusCode.InvalidArgument, $"input 'x' value 1 is '{value}', which is not INT8"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task One_input_given_twice_is_refused()
    {
        ModelInferRequest request = new() { ModelName = "sum" };
        for (int i = 0; i < 2; i++)
        {
            request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "a", Datatype = "FP32", Shape = { 1, 2 }, Contents = new() { Fp32Contents = { 1, 2 } } });
        }

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => _grpc.Client.ModelInferAsync(request).ResponseAsync);

        Assert.Equal((StatusCode.InvalidArgument, "input 'a' is given twice"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task Values_that_the_model_does_not_take_are_the_applications_fault()
    {
        ModelInferRequest request = new()
        {
            ModelName = "table",
            Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "x", Datatype = "INT64", Shape = { 1 }, Contents = new() { Int64Contents = { 7 } } } },
        };

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => _grpc.Client.ModelInferAsync(request).ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith("model 'table' does not take these values", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal((1, 0), await _grpc.Runner.StatusAsync("table") is var seen ? (seen.Rejected, seen.Failures) : default);
    }

    [Fact]
    public async Task An_output_without_values_and_one_whose_shape_depends_on_them_are_answered()
    {
        foreach ((float[] values, long[] expected) in new (float[], long[])[] { ([0, 5, 0, 5], [1, 3]), ([0, 0, 0, 0], []) })
        {
            ModelInferRequest request = GrpcFixture.Row("where", values);
            request.Inputs[0].Shape.Clear();
            request.Inputs[0].Shape.Add(4);

            ModelInferResponse answer = await _grpc.Client.ModelInferAsync(request);

            Assert.Equal([1, expected.Length], answer.Outputs[0].Shape);
            Assert.Equal(expected, answer.Outputs[0].Contents?.Int64Contents ?? []);
        }
    }

    /// <summary>Two ways to write the same that a writer seldom takes and a reader has to know.</summary>
    [Fact]
    public async Task Lists_that_are_not_packed_and_contents_in_pieces_are_read()
    {
        byte[] tensor =
        [
            0x0A, 1, (byte)'x', 0x12, 4, .. "FP32"u8,
            0x18, 1, 0x18, 3, // shape, one field for each size
            0x2A, 5, 0x35, .. BitConverter.GetBytes(10f), // contents of one float that is not packed
            0xF8, 0x07, 5, // field 127, a number that nobody knows
            0x2A, 10, 0x32, 8, .. BitConverter.GetBytes(20f), .. BitConverter.GetBytes(30f), // and two that are
        ];

        ModelInferResponse answer = await AskAsync([0x0A, 3, .. "add"u8, 0x2A, (byte)tensor.Length, .. tensor, 0xFB, 0x07, 0x08, 1, 0xFC, 0x07 /* a group */]);

        Assert.Equal([11, 22, 33], answer.Outputs[0].Contents.Fp32Contents);
    }

    [Theory]
    [InlineData(new byte[] { 0x0A }, "ends in the middle of a number")]
    [InlineData(new byte[] { 0x0A, 200, 1 }, "a field of 200 bytes where 0 are left")]
    [InlineData(new byte[] { 0x07 }, "field 0 of wire type 7")]
    [InlineData(new byte[] { 0x0C }, "a group ends that has not begun")]
    [InlineData(new byte[] { 0x0B, 0x08, 1 }, "ends in the middle of a group")]
    [InlineData(new byte[] { 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1 }, "more than 10 bytes")]
    public async Task A_message_that_is_none_is_refused_with_the_place(byte[] message, string expected)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync(message));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith("the message is not a ModelInferRequest: byte ", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task REST_and_gRPC_fill_the_same_counters()
    {
        await _grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1, 2, 3));
        await _grpc.Runner.PostAsync("add", """{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[0,0,0]}]}""");

        Assert.Equal(2, (await _grpc.Runner.StatusAsync("add")).Requests);
    }

    public async Task DisposeAsync()
    {
        await _grpc.DisposeAsync();
        _state.Dispose();
    }

    /// <summary>Asks with bytes that need be no message.</summary>
    private async Task<ModelInferResponse> AskAsync(byte[] message)
    {
        Method<byte[], ModelInferResponse> method = new(
            MethodType.Unary, "inference.GRPCInferenceService", "ModelInfer",
            Marshallers.Create(bytes => bytes, bytes => bytes),
            Marshallers.Create(answer => answer.ToByteArray(), ModelInferResponse.Parser.ParseFrom));
        using AsyncUnaryCall<ModelInferResponse> call = _grpc.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, message);
        return await call.ResponseAsync;
    }
}
