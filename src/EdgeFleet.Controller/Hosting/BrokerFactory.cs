using System.Net;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Broker;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Mqtt;
using EdgeFleet.Trust.Certificates;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>The broker that the options ask for, and how the controller logs in there.</summary>
internal static class BrokerFactory
{
    /// <summary>Certificate name and client id of the controller. The dot keeps it apart from every device id.</summary>
    public const string ControllerName = "edgefleet.controller";

    // The dot keeps these too apart from every device id.
    private const string ReaderPrefix = "reader.";

    private const string ProbeName = "edgefleet.probe";

    public static IReportBroker Create(
        ControllerOptions options, DataFolder folder, FleetAuthority authority, IReadOnlyCollection<string> revokedDevices, TimeProvider time, ILoggerFactory logs)
    {
        if (options.Broker.ExternalHost is { } external)
        {
            return new ExternalBroker(external, options.Broker.ExternalPort);
        }
        foreach (string reader in options.Broker.Readers)
        {
            authority.WriteReaderIdentity(reader, ReaderPrefix + reader);
        }
        RenewedIdentity probe = authority.CreateMqttIdentity(ProbeName, time);
        return new EmbeddedBroker(
            new EmbeddedBrokerOptions
            {
                Folder = folder.BrokerFolder,
                Tenant = options.Tenant,
                CaFile = authority.RootPemFile,
                WriteIdentity = authority.WriteBrokerIdentity,
                Port = options.Broker.EmbeddedPort,
                BindAddress = options.BindAddress.Equals(IPAddress.Any) ? null : options.BindAddress.ToString(),
                AdvertisedHost = options.Names[0],
                ControllerName = ControllerName,
                ReaderNames = [.. options.Broker.Readers.Select(reader => ReaderPrefix + reader)],
                RevokedDevices = revokedDevices,
                ProbeIdentity = () => probe.Current.Context,
            },
            time, logs.CreateLogger<EmbeddedBroker>());
    }

    public static MqttSessionOptions SessionOptions(BrokerOptions options, FleetAuthority authority, RenewedIdentity identity, BrokerEndpoint broker)
    {
        PemIdentity? given = options.CertificateFile is null
            ? null
            : PemIdentity.Load(File.ReadAllText(options.CertificateFile), File.ReadAllText(options.KeyFile!));
        return new MqttSessionOptions
        {
            Host = broker.Host,
            Port = broker.Port,
            ClientId = ControllerName,
            Tls = new MqttTlsOptions
            {
                TrustedRoots = options.ReadRoots() ?? authority.Roots,
                ClientCertificate = () => (given ?? identity.Current).Leaf,
                Intermediates = given is null ? [authority.Authority.Issuer] : null,
            },
        };
    }
}
