using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace EdgeFleet.Grpc.Tests.Security;

/// <summary>Both ends of a connection on which each side shows a certificate.</summary>
internal static class MutualTls
{
    public static void Require(this ListenOptions listener, TestCertificates certificates) => listener.UseHttps(https =>
    {
        https.ServerCertificate = certificates.Server;
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, _, errors) => certificates.Accepts(certificate, errors);
    });

    public static SocketsHttpHandler Handler(TestCertificates trusted, X509Certificate2? own)
    {
        SocketsHttpHandler handler = new();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => trusted.Accepts(certificate, errors);
        if (own is not null)
        {
            handler.SslOptions.ClientCertificates = [own];
        }

        return handler;
    }
}
