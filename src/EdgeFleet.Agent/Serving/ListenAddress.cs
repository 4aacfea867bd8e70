using System.Net;
using System.Text;

namespace EdgeFleet.Agent.Serving;

/// <summary>
/// Where applications reach the runner: a Unix socket, or a port on loopback. The protocol has no access control of its own,
/// so the runner listens to its own machine only.
/// </summary>
internal sealed record ListenAddress
{
    /// <summary>The kernel's sun_path has 108 bytes, the last one a zero.</summary>
    private const int MaximumSocketPath = 107;

    private ListenAddress(string? socket, IPEndPoint? endPoint) => (Socket, EndPoint) = (socket, endPoint);

    public string? Socket { get; }

    public IPEndPoint? EndPoint { get; }

    /// <param name="text">unix:PATH or http://127.0.0.1:PORT.</param>
    /// <param name="option">Where it was given, for what is refused.</param>
    /// <exception cref="FormatException">The text is neither form, or leads out of this machine.</exception>
    public static ListenAddress Parse(string text, string option = "--listen")
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            return UnixSocket(text["unix:".Length..], option);
        }
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && uri.PathAndQuery == "/")
        {
            IPAddress? address = uri.Host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(uri.DnsSafeHost, out IPAddress? parsed) ? parsed : null;
            return address is not null && IPAddress.IsLoopback(address)
                ? new ListenAddress(null, new IPEndPoint(address, uri.Port))
                : throw new FormatException($"{option} '{text}': the runner listens on loopback or a Unix socket only; the protocol has no access control");
        }
        throw new FormatException($"{option} '{text}': expected unix:PATH or http://127.0.0.1:PORT");
    }

    /// <exception cref="FormatException">The path is empty or too long for a socket.</exception>
    public static ListenAddress UnixSocket(string path, string option = "--listen")
    {
        string full = path.Length == 0 ? throw new FormatException($"{option} 'unix:': the path is empty") : Path.GetFullPath(path);
        int bytes = Encoding.UTF8.GetByteCount(full);
        return bytes <= MaximumSocketPath
            ? new ListenAddress(full, null)
            : throw new FormatException($"socket '{full}' has {bytes} bytes; Linux allows {MaximumSocketPath}. Choose a shorter folder.");
    }

    public override string ToString() => Socket is not null ? $"unix:{Socket}" : $"http://{EndPoint}";
}
