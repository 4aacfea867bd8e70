using System.Net;
using System.Net.Sockets;

namespace EdgeFleet.Testing;

/// <summary>Ports for servers that come back on the same one.</summary>
public static class LoopbackPort
{
    /// <summary>
    /// A port that nobody listens on, below the range that the kernel gives to outgoing connections: while a server is down no
    /// connection of a neighbouring test can take it.
    /// </summary>
    public static int FindFree()
    {
        while (true)
        {
            int port = Random.Shared.Next(15_000, 32_000);
            try
            {
                using TcpListener listener = new(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                continue;
            }
        }
    }
}
