using System.Diagnostics;
using EdgeFleet.Probing;
using EdgeFleet.Testing;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>A gRPC implementation that is not ours, in a process of its own that ends with its standard input.</summary>
internal sealed class PeerProcess : IDisposable
{
    private static readonly string s_folder = Checkout.File("tests/EdgeFleet.Grpc.Tests/Peers");

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly TemporaryFolder _files;

    private PeerProcess(Process process, TemporaryFolder files)
    {
        _process = process;
        _files = files;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static PeerProcess Start(PeerLanguage language, string script, params string[] arguments)
    {
        TemporaryFolder files = new();
        List<string> command = language switch
        {
            PeerLanguage.Python =>
            [
                "/usr/bin/python3", Path.Join(s_folder, $"{script}.py"),
                "--descriptor", files.Write("probe.descriptor", ProbeReflection.Descriptor.SerializedData.ToByteArray()),
            ],
            _ => ["node", Path.Join(s_folder, $"{script}.mjs"), "--proto", Checkout.File("tests/EdgeFleet.Grpc.Tests/Protos/probe.proto")],
        };
        CheckInstalled(language);
        ProcessStartInfo start = new(command[0], [.. command.Skip(1), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // No compiled scripts beside the sources.
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";

        // Proxies of the machine are for the world outside; the peers talk to this machine only.
        foreach (string proxy in start.Environment.Keys.Where(key => key.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(proxy);
        }

        return new PeerProcess(Process.Start(start)!, files);
    }

    /// <summary>The next line of output; fails with what the process said on its error stream when it has ended.</summary>
    public async Task<string> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().OrFail()
        ?? throw new InvalidOperationException($"'{_process.StartInfo.FileName}' ended: {await _errors}");

    /// <summary>All output until the process ends by itself.</summary>
    public async Task<string[]> ReadToEndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"'{_process.StartInfo.FileName}' ended with {_process.ExitCode}: {await _errors}");
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
        _files.Dispose();
    }

    private static void CheckInstalled(PeerLanguage language)
    {
        if (language == PeerLanguage.Node && !Directory.Exists(Path.Join(s_folder, "node_modules", "@grpc", "grpc-js")))
        {
            throw new InvalidOperationException($"@grpc/grpc-js is not installed; run: npm ci --ignore-scripts --prefix {s_folder}");
        }

        if (language == PeerLanguage.Python && !Directory.Exists("/usr/lib/python3/dist-packages/grpc"))
        {
            throw new InvalidOperationException("Debian's gRPC for Python is not installed; run: apt-get install python3-grpcio python3-protobuf");
        }
    }
}

/// <summary>Whose gRPC it is: Debian's grpcio or npm's grpc-js.</summary>
public enum PeerLanguage
{
    Python,
    Node,
}
