using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Core;

namespace EdgeFleet.Controller.Hosting;

/// <summary>How one controller process runs. Everything that it knows about the fleet is in its data folder.</summary>
internal sealed record ControllerOptions
{
    public required string DataFolder { get; init; }
    public string Tenant { get; init; } = "default";
    /// <summary>The operator plane; plain HTTP belongs on loopback or behind a proxy, https uses the fleet's own authority.</summary>
    public Uri OperatorUrl { get; init; } = new("http://127.0.0.1:8080");
    /// <summary>Where the device plane listens.</summary>
    public IPAddress BindAddress { get; init; } = IPAddress.Any;
    public int EnrollPort { get; init; } = 8441;
    public int DevicePort { get; init; } = 8443;
    /// <summary>Names and addresses that devices reach this controller by; the first is the one they are told.</summary>
    public IReadOnlyList<string> Names { get; init; } = ["localhost"];
    public TimeSpan BeatInterval { get; init; } = TimeSpan.FromSeconds(30);
    public long MaximumContentBytes { get; init; } = 16L << 30;
    /// <summary>How long after the end of its certificate a device may still renew it, and do nothing else.</summary>
    public TimeSpan RenewalGrace { get; init; } = TimeSpan.FromDays(90);
    /// <summary>How long the evidence of a rollout that has ended is kept; its verdicts, with all that they were computed from, stay.</summary>
    public TimeSpan KeepEvidence { get; init; } = TimeSpan.FromDays(90);
    public BrokerOptions Broker { get; init; } = new();

    /// <exception cref="FormatException">A value cannot be used; the message names it.</exception>
    public void Validate()
    {
        Identifier.Require("tenant", Tenant);
        if (OperatorUrl.Scheme is not ("http" or "https") || OperatorUrl.AbsolutePath != "/")
        {
            throw new FormatException($"operator url '{OperatorUrl}': expected http://HOST:PORT or https://HOST:PORT");
        }
        RequirePort("enroll port", EnrollPort);
        RequirePort("device port", DevicePort);
        if (Names.Count == 0 || Names.Any(name => Uri.CheckHostName(name) == UriHostNameType.Unknown))
        {
            throw new FormatException($"names '{string.Join(", ", Names)}': expected host names or addresses");
        }
        if (BeatInterval < TimeSpan.FromSeconds(1) || BeatInterval > TimeSpan.FromMinutes(10))
        {
            throw new FormatException($"beat interval {BeatInterval.TotalSeconds} s: expected 1 s to 600 s");
        }
        if (RenewalGrace < TimeSpan.Zero || RenewalGrace > TimeSpan.FromDays(3650))
        {
            throw new FormatException($"renewal grace {RenewalGrace.TotalDays} days: expected 0 to 3650");
        }
        if (KeepEvidence < TimeSpan.FromDays(1) || KeepEvidence > TimeSpan.FromDays(3650))
        {
            throw new FormatException($"keep evidence {KeepEvidence.TotalDays} days: expected 1 to 3650");
        }
        Broker.Validate();
    }

    internal static void RequirePort(string what, int port)
    {
        if (port is < 0 or > 65535)
        {
            throw new FormatException($"{what} {port}: expected 0 (any free one) to 65535");
        }
    }
}

/// <summary>The broker that reports come over: one that the controller starts itself, or one that is there already.</summary>
internal sealed record BrokerOptions
{
    /// <summary>Null: start mosquitto and look after it.</summary>
    public string? ExternalHost { get; init; }
    public int ExternalPort { get; init; } = 8883;
    /// <summary>For an external broker: the roots that the controller and its devices trust, PEM; the fleet's own where absent.</summary>
    public string? CaFile { get; init; }
    /// <summary>For an external broker: the controller's client certificate and key, PEM; issued by the fleet's authority where absent.</summary>
    public string? CertificateFile { get; init; }
    public string? KeyFile { get; init; }
    /// <summary>For the broker that the controller starts; 0 takes a free port.</summary>
    public int EmbeddedPort { get; init; } = 8883;

    /// <summary>Who may listen at the broker that the controller starts: reports and alarms of the whole fleet, and write nothing.</summary>
    public IReadOnlyList<string> Readers { get; init; } = [];

    public bool IsExternal => ExternalHost is not null;

    public void Validate()
    {
        ControllerOptions.RequirePort("mqtt port", ExternalPort);
        ControllerOptions.RequirePort("broker port", EmbeddedPort);
        foreach (string reader in Readers)
        {
            Identifier.Require("mqtt reader", reader);
        }
        if (Readers.Count > 0 && IsExternal)
        {
            throw new FormatException("mqtt reader: who may listen at an external broker is said there");
        }
        if ((CertificateFile is null) != (KeyFile is null))
        {
            throw new FormatException("mqtt: a client certificate needs its key and the other way round; give both or neither");
        }
        foreach (string? file in (ReadOnlySpan<string?>)[CaFile, CertificateFile, KeyFile])
        {
            if (file is not null && !File.Exists(file))
            {
                throw new FormatException($"mqtt: file '{file}' does not exist");
            }
        }
        _ = ReadRoots();
    }

    /// <summary>Null where the fleet's own roots vouch for the broker.</summary>
    /// <exception cref="FormatException">The file holds no certificate.</exception>
    public X509Certificate2Collection? ReadRoots()
    {
        if (CaFile is null)
        {
            return null;
        }
        X509Certificate2Collection roots = [];
        try
        {
            roots.ImportFromPemFile(CaFile);
        }
        catch (CryptographicException ex)
        {
            throw new FormatException($"mqtt: file '{CaFile}' is not PEM ({ex.Message})", ex);
        }
        return roots.Count > 0 ? roots : throw new FormatException($"mqtt: file '{CaFile}' holds no certificate");
    }
}
