using System.Diagnostics;
using System.Text.Json;
using EdgeFleet.Inference;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving.Grpc;

/// <summary>The runner's process and a client of the protocol that is not ours, which compares gRPC's answers with REST's.</summary>
public sealed class ForeignClientTests(ForeignClientTests.Run run) : IClassFixture<ForeignClientTests.Run>
{
    [Theory]
    [InlineData("health")]
    [InlineData("metadata")]
    [InlineData("real_model")]
    [InlineData("datatypes")]
    [InlineData("half_floats_are_raw")]
    [InlineData("two_inputs_in_any_order")]
    [InlineData("unknown_parameters_are_ignored")]
    [InlineData("versions")]
    [InlineData("unknown_model")]
    [InlineData("bad_tensor")]
    [InlineData("too_large")]
    [InlineData("large_message")]
    [InlineData("unimplemented")]
    [InlineData("compressed")]
    [InlineData("deadline_passed")]
    [InlineData("unix_socket")]
    [InlineData("many_at_once")]
    public void A_client_of_another_implementation_passes(string check)
    {
        Assert.True(run.Problems.TryGetValue(check, out string? problem), $"The client has no check '{check}'.");
        Assert.True(problem is null, problem);
    }

    [Fact]
    public void Our_proto_makes_a_client_in_another_language() =>
        Assert.Equal("""{"ready":true,"id":"7","raw":[11,22],"typed":[11,22],"nobody":5}""", run.FromJavaScript.Trim());

    /// <summary>One run of all checks, whose results the tests look at.</summary>
    public sealed class Run : IAsyncLifetime
    {
        private static readonly string[] s_types = ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "BF16", "FP32", "FP64"];

        /// <summary>What was wrong, by check; null where nothing was.</summary>
        public IReadOnlyDictionary<string, string?> Problems { get; private set; } = new Dictionary<string, string?>();

        public string FromJavaScript { get; private set; } = "";

        public async Task InitializeAsync()
        {
            using TemporaryFolder folder = new();
            foreach (string type in s_types)
            {
                folder.Write($"models/{type.ToLowerInvariant()}.onnx", TinyModel.Identity(ElementTypes.OnnxNumberOf(type), 3));
            }
            folder.Write("models/add.onnx", TinyModel.AddBias([1], rows: -1));
            folder.Write("models/sum.onnx", TinyModel.Sum(2));
            folder.Write("models/wide.onnx", TinyModel.Identity(ElementTypes.OnnxNumberOf("FP32"), -1));
            File.Copy(Checkout.File("fleet/examples/fashion/fashion_resnet8.onnx"), folder["models/fashion.onnx"]);
            string socket = folder["grpc.sock"];
            using Process runner = Start(
                "dotnet", Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll"), "serve", "--models-root", folder["models"],
                "--listen", "http://127.0.0.1:0", "--grpc-listen", "http://127.0.0.1:0", "--grpc-listen", $"unix:{socket}");
            Task<string> runnerErrors = runner.StandardError.ReadToEndAsync();
            try
            {
                string line = await runner.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await runnerErrors);
                // "serving on http://127.0.0.1:1, gRPC on unix:PATH 127.0.0.1:2"
                string[] words = line.Split([' ', ',']);
                Problems = await AskAsync(words[2]["http://".Length..], words[^1], socket);
                FromJavaScript = await AskFromJavaScriptAsync(words[^1]);
            }
            finally
            {
                runner.Kill();
                await runner.WaitForExitAsync();
            }
        }

        public Task DisposeAsync() => Task.CompletedTask;

        private static async Task<IReadOnlyDictionary<string, string?>> AskAsync(string rest, string grpc, string socket)
        {
            if (!Directory.Exists("/usr/lib/python3/dist-packages/grpc"))
            {
                throw new InvalidOperationException("Debian's gRPC for Python is not installed; run: apt-get install python3-grpcio python3-protobuf");
            }
            string output = await OutputOfAsync(
                "/usr/bin/python3", Checkout.File("tests/EdgeFleet.Agent.Tests/Serving/Grpc/oip_client.py"), "--rest", rest, "--grpc", grpc, "--unix", socket);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
                .ToDictionary(line => line.GetProperty("check").GetString()!, line => line.GetProperty("problem").GetString());
        }

        private static Task<string> AskFromJavaScriptAsync(string grpc)
        {
            string peers = Checkout.File("tests/EdgeFleet.Grpc.Tests/Peers");
            if (!Directory.Exists(Path.Join(peers, "node_modules", "@grpc", "grpc-js")))
            {
                throw new InvalidOperationException($"@grpc/grpc-js is not installed; run: npm ci --ignore-scripts --prefix {peers}");
            }
            return OutputOfAsync("node", Path.Join(peers, "oip_client.mjs"), "--proto", Checkout.File("protos/inference/open_inference_grpc.proto"), "--address", grpc);
        }

        private static async Task<string> OutputOfAsync(string program, params string[] arguments)
        {
            using Process client = Start(program, arguments);
            Task<string> errors = client.StandardError.ReadToEndAsync();
            string output = await client.StandardOutput.ReadToEndAsync();
            await client.WaitForExitAsync();
            return client.ExitCode == 0 ? output : throw new InvalidOperationException($"the client ended with {client.ExitCode}: {await errors}");
        }

        private static Process Start(string program, params string[] arguments)
        {
            ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            // No compiled scripts beside the sources.
            start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
            // Proxies of the machine are for the world outside; the two talk to each other only.
            foreach (string proxy in start.Environment.Keys.Where(key => key.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase)).ToArray())
            {
                start.Environment.Remove(proxy);
            }
            return Process.Start(start)!;
        }
    }
}
