using EdgeFleet.Agent.Serving;
using EdgeFleet.Core;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class OpenInferenceTests : IAsyncLifetime
{
    private readonly DeviceState _state = new();
    private Digest _digest;
    private RunnerFixture _runner = null!;

    public async Task InitializeAsync()
    {
        _digest = _state.AddArtifact("add", TinyModel.AddBias([1, 2, 3], rows: -1));
        _state.Point("add", _digest);
        _state.Point("roots", _state.AddArtifact("roots", TinyModel.SquareRoot(2)));
        _state.Point("where", _state.AddArtifact("where", TinyModel.NonZero(4)));
        _state.Point("table", _state.AddArtifact("table", TinyModel.Lookup(10, 20, 30)));
        _runner = await RunnerFixture.StartAsync(_state, options => options with { MaximumBatch = 20_000 });
    }

    [Fact]
    public async Task Health_and_metadata_are_told()
    {
        Assert.Equal((200, """{"live":true}"""), await _runner.GetAsync("/v2/health/live"));
        Assert.Equal((200, """{"ready":true}"""), await _runner.GetAsync("/v2/health/ready"));
        Assert.Equal((200, """{"name":"add","ready":true}"""), await _runner.GetAsync("/v2/models/add/ready"));
        Assert.Equal(
            (200, $$"""{"name":"add","versions":["{{_digest}}"],"platform":"onnx_onnxv1","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]}"""),
            await _runner.GetAsync("/v2/models/add"));
        (int status, string body) = await _runner.GetAsync("/v2");
        Assert.Equal(200, status);
        Assert.Contains("""
            "extensions":["binary_tensor_data"]
            """.Trim(), body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[10,20,30,0,0,0]")]
    [InlineData("[[10,20,30],[0,0,0]]")]
    [InlineData("[[1e1,20.0,30],[-0,0,0]]")]
    public async Task Json_goes_in_and_comes_out_flat_or_nested(string data)
    {
        Assert.Equal(
            (200, $$"""{"model_name":"add","model_version":"{{_digest}}","id":"r-1","outputs":[{"name":"y","datatype":"FP32","shape":[2,3],"data":[11,22,33,1,2,3]}]}"""),
            await _runner.PostAsync("add", $$"""{"id":"r-1","inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":{{data}}}]}"""));
    }

    [Fact]
    public async Task Binary_tensors_go_in_and_come_out()
    {
        (int status, string json, float[] values) = await RunnerFixture.PostBinaryAsync(_runner.Http, "add", 10, 20, 30);

        Assert.Equal(200, status);
        Assert.Equal($$$"""{"model_name":"add","model_version":"{{{_digest}}}","outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]}""", json);
        Assert.Equal([11, 22, 33], values);
    }

    [Fact]
    public async Task What_is_not_known_is_ignored_in_any_order_of_fields()
    {
        (int status, string body) = await _runner.PostAsync("add", """
            {"future":{"deep":[1,{"x":null}]},"parameters":{"priority":3},"outputs":[{"parameters":{"binary_data":false,"classification":3},"name":"y"}],
             "inputs":[{"data":[0,0,0],"parameters":{"shared_memory_region":"no"},"shape":[1,3],"datatype":"FP32","name":"x","more":[]}]}
            """);
        Assert.Equal(200, status);
        Assert.Contains("\"data\":[1,2,3]", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_optional_may_be_null_as_clients_made_from_a_schema_send_it()
    {
        (int status, string body) = await _runner.PostAsync("add", """
            {"id":null,"parameters":null,"outputs":null,"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":null,"data":[0,0,0]}]}
            """);
        Assert.Equal(200, status);
        Assert.Contains("\"data\":[1,2,3]", body, StringComparison.Ordinal);
        Assert.DoesNotContain("\"id\"", body, StringComparison.Ordinal);

        (status, body) = await _runner.PostAsync("add", """{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":null}]}""");
        Assert.Equal(400, status);
        Assert.Contains("has neither data nor a binary_data_size", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_compressed_body_is_refused_by_its_encoding()
    {
        using StringContent content = new("{}");
        content.Headers.ContentEncoding.Add("gzip");
        using HttpResponseMessage response = await _runner.Http.PostAsync("/v2/models/add/infer", content);
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Contains("content-encoding 'gzip'", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("add/config")]
    [InlineData("add/versions/{0}/explain")]
    public async Task A_path_that_is_not_there_is_not_there_for_any_method(string path)
    {
        string full = "/v2/models/" + string.Format(System.Globalization.CultureInfo.InvariantCulture, path, _digest);
        Assert.Equal(404, (await _runner.GetAsync(full)).Status);
        using HttpResponseMessage posted = await _runner.Http.PostAsync(full, new StringContent("{}"));
        Assert.Equal(404, (int)posted.StatusCode);
        using HttpResponseMessage index = await _runner.Http.PostAsync("/v2/repository/index", new StringContent("{}"));
        Assert.Equal(404, (int)index.StatusCode);
    }

    [Fact]
    public async Task Each_output_may_be_binary_or_not_whatever_the_request_says_of_all()
    {
        const string Input = """{"name":"x","shape":[1,3],"datatype":"FP32","data":[0,0,0]}""";
        (int status, string body) = await _runner.PostAsync("add", $$$"""{"parameters":{"binary_data_output":true},"inputs":[{{{Input}}}],"outputs":[{"name":"y","parameters":{"binary_data":false}}]}""");
        Assert.Equal(200, status);
        Assert.Contains("\"data\":[1,2,3]", body, StringComparison.Ordinal);

        (status, body) = await _runner.PostAsync("add", $$$"""{"inputs":[{{{Input}}}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}""");
        Assert.Equal(200, status);
        Assert.Contains("\"parameters\":{\"binary_data_size\":12}", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_may_be_named_and_must_be_the_active_one()
    {
        const string Request = """{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[0,0,0]}]}""";
        Assert.Equal(200, (await _runner.PostAsync($"add/versions/{_digest.Hex}", Request)).Status);
        (int status, string body) = await _runner.PostAsync("add/versions/7", Request);
        Assert.Equal(404, status);
        Assert.Contains("no version '7'", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outputs_whose_shape_depends_on_the_values_are_served()
    {
        foreach ((string data, string expected) in new[] { ("[0,5,0,5]", "\"shape\":[1,2],\"data\":[1,3]"), ("[1,1,1,1]", "\"shape\":[1,4],\"data\":[0,1,2,3]"), ("[0,0,0,0]", "\"shape\":[1,0],\"data\":[]") })
        {
            (int status, string body) = await _runner.PostAsync("where", $$"""{"inputs":[{"name":"x","shape":[4],"datatype":"FP32","data":{{data}}}]}""");
            Assert.Equal(200, status);
            Assert.Contains(expected, body, StringComparison.Ordinal);
        }
        Assert.Equal(0, (await _runner.StatusAsync("where")).Failures);
    }

    [Fact]
    public async Task A_free_dimension_takes_many_sizes()
    {
        for (int rows = 1; rows <= 12; rows++)
        {
            (int status, string body) = await _runner.PostAsync("add", $$"""{"inputs":[{"name":"x","shape":[{{rows}},3],"datatype":"FP32","data":[{{string.Join(',', Enumerable.Repeat(0, rows * 3))}}]}]}""");
            Assert.Equal(200, status);
            Assert.Contains($"\"shape\":[{rows},3]", body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_not_a_number_is_counted_and_is_null_in_json()
    {
        (int status, string body) = await _runner.PostAsync("roots", """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[-1,4]}]}""");

        Assert.Equal(200, status);
        Assert.Contains("\"data\":[null,2]", body, StringComparison.Ordinal);
        Assert.Equal(1, (await _runner.StatusAsync("roots")).NonFinite);
    }

    [Fact]
    public async Task Values_that_the_model_does_not_take_are_the_applications_fault_as_long_as_the_model_answers()
    {
        (int status, string body) = await _runner.PostAsync("table", """{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[7]}]}""");
        Assert.Equal(400, status);
        Assert.Contains("model 'table' does not take these values", body, StringComparison.Ordinal);
        Assert.DoesNotContain(_state.Path, body, StringComparison.Ordinal);

        Assert.Equal(200, (await _runner.PostAsync("table", """{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[1]}]}""")).Status);
        Assert.Equal((2, 1, 0), await _runner.StatusAsync("table") is var seen ? (seen.Requests, seen.Rejected, seen.Failures) : default);
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity)]
    public async Task An_application_that_asks_with_what_is_no_number_is_answered_and_the_model_is_not_blamed(float asked)
    {
        (int status, string _, float[] values) = await RunnerFixture.PostBinaryAsync(_runner.Http, "roots", asked, 4);

        Assert.Equal((200, asked), (status, values[0]));
        Assert.Equal(0, (await _runner.StatusAsync("roots")).NonFinite);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,1e39,3]}]}""", "input 'x' value 1 is '1e39', which is not FP32")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1e400,2,3]}]}""", "input 'x' value 0 is '1e400', which is not FP32")]
    [InlineData("[]", "the request is StartArray")]
    [InlineData("{}", "no inputs")]
    [InlineData("""{"inputs":[]}""", "missing: 'x'")]
    [InlineData("""{"inputs":[{}]}""", "an input has no name")]
    [InlineData("""{"inputs":[{"name":"z"}]}""", "input 'z' is not an input of the model; it has x")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"data":[1,2,3]}]}""", "input 'x' has no datatype; the model takes FP32")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"INT8","data":[1,2,3]}]}""", "input 'x' has datatype 'INT8'; the model takes FP32")]
    [InlineData("""{"inputs":[{"datatype":"INT8","name":"x","shape":[1,3],"data":[1,2,3]}]}""", "input 'x' has datatype 'INT8'; the model takes FP32")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","data":[1,2,3]}]}""", "input 'x' has no shape; the model takes [-1,3]")]
    [InlineData("""{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2,3]}]}""", "input 'x' has shape [3]; the model takes [-1,3]")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,-3],"datatype":"FP32","data":[1,2,3]}]}""", "shape holds -3")]
    [InlineData("""{"inputs":[{"name":"x","shape":[99999999999,3],"datatype":"FP32","data":[1,2,3]}]}""", "input 'x' has shape [99999999999,3]")]
    [InlineData("""{"inputs":[{"name":"x","shape":[4000000000000000000,3],"datatype":"FP32","data":[1,2,3]}]}""", "input 'x' has shape [4000000000000000000,3]")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2]}]}""", "input 'x' has 2 values; its shape asks for 3")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3,4]}]}""", "input 'x' has more than the 3 values")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,"two",3]}]}""", "input 'x' value 1 is 'two', which is not FP32")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32"}]}""", "input 'x' has neither data nor a binary_data_size")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}]}""", "binary_data_size 12; 0 bytes are left")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]},{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}""", "the request has 2 input(s)")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}],"outputs":[{"name":"q"}]}""", "output 'q' is not an output of the model; it has y")]
    [InlineData("""{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]} {}""", "not valid JSON")]
    public async Task A_bad_request_is_told_what_is_wrong_by_name_and_value(string json, string expected)
    {
        (int status, string body) = await _runner.PostAsync("add", json);

        Assert.Equal(400, status);
        Assert.Contains(expected, System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("error").GetString()!, StringComparison.Ordinal);
        Assert.Equal(0, (await _runner.StatusAsync("add")).Requests);
    }

    [Theory]
    [InlineData("70", 12, "Inference-Header-Content-Length is '70'")]
    [InlineData("-1", 12, "Inference-Header-Content-Length is '-1'")]
    [InlineData("x", 12, "Inference-Header-Content-Length is 'x'")]
    public async Task A_header_length_that_cannot_be_is_refused(string header, int bytes, string expected)
    {
        using ByteArrayContent content = new(new byte[bytes]);
        content.Headers.TryAddWithoutValidation(RunnerApplication.HeaderLength, header);
        using HttpResponseMessage response = await _runner.Http.PostAsync("/v2/models/add/infer", content);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains(expected, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v2/models/nobody", 404, "model 'nobody' is not served here; served: add, roots, table, where")]
    [InlineData("/v2/models/add/infer", 405, "takes POST, not GET")]
    [InlineData("/v2/models/add/explain", 404, "path '/v2/models/add/explain'")]
    [InlineData("/v1/status", 404, "path '/v1/status'")]
    [InlineData("/", 404, "path '/'")]
    public async Task A_path_that_is_not_there_is_named(string path, int status, string expected)
    {
        (int got, string body) = await _runner.GetAsync(path);
        Assert.Equal(status, got);
        Assert.Contains(expected, body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_in_many_pieces_is_one_request()
    {
        string values = string.Join(',', Enumerable.Repeat("0.12345", 3 * 20_000));
        (int status, string body) = await _runner.PostAsync("add", $$"""{"inputs":[{"name":"x","shape":[20000,3],"datatype":"FP32","data":[{{values}}]}]}""");
        Assert.Equal(200, status);
        Assert.Contains("\"shape\":[20000,3]", body, StringComparison.Ordinal);
    }

    public async Task DisposeAsync()
    {
        await _runner.DisposeAsync();
        _state.Dispose();
    }
}
