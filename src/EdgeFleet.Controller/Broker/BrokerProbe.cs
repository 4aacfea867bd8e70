using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace EdgeFleet.Controller.Broker;

/// <summary>
/// Asks a broker for a sign of life: a TLS handshake, which its one thread answers between two packets. A link alone proves
/// nothing, because the kernel takes links for a process that stands still.
/// </summary>
internal static class BrokerProbe
{
    public static async Task<bool> AnswersAsync(
        IPAddress address, int port, SslStreamCertificateContext? identity, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using TcpClient link = new(address.AddressFamily);
        try
        {
            await link.ConnectAsync(address, port, either.Token);
            await using SslStream tls = new(link.GetStream());
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.ToString(),
                    ClientCertificateContext = identity,
                    // Nothing is said over this link: whoever answers on our own port may be anybody.
                    RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
                },
                either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (Exception ex) when (ex is AuthenticationException or IOException)
        {
            // It refused or hung up: an answer.
            return true;
        }
    }
}
