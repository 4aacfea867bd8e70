using System.CommandLine;
using System.Globalization;
using System.Net;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// The command line. Every option can also be given as an environment variable (<c>--device-port</c> is
/// <c>EDGEFLEET_DEVICE_PORT</c>); the command line wins.
/// </summary>
internal static class ControllerCommand
{
    private const int WrongUsage = 2;
    private const int WorldFailed = 3;

    private static readonly Option<string> s_data = Text("--data", "DIR", "Folder for everything the controller keeps. Made on the first start.");
    private static readonly Option<string> s_tenant = Text("--tenant", "NAME", "Name of the fleet in topics and certificates; fixed on the first start. Default: default");
    private static readonly Option<string> s_operatorUrl = Text("--operator-url", "URL", "Where operators reach the REST interface. Plain http only on loopback or behind a proxy. Default: http://127.0.0.1:8080");
    private static readonly Option<string> s_bind = Text("--bind", "ADDRESS", "Address that the device plane listens on. Default: 0.0.0.0");
    private static readonly Option<string> s_enrollPort = Text("--enroll-port", "PORT", "Enrolment (gRPC, TLS). Default: 8441");
    private static readonly Option<string> s_devicePort = Text("--device-port", "PORT", "Devices (gRPC, TLS with client certificates). Default: 8443");
    private static readonly Option<string> s_names = Text("--name", "HOST,…", "Names or addresses that devices reach this machine by; the first is what they are told. Default: localhost");
    private static readonly Option<string> s_beat = Text("--beat", "SECONDS", "Pause after which a silent stream gets a sign of life. Default: 30");
    private static readonly Option<string> s_renewalGrace = Text("--renewal-grace", "DAYS", "How long after the end of its certificate a device may still renew it. Default: 90");
    private static readonly Option<string> s_keepEvidence = Text("--keep-evidence", "DAYS", "How long ticks, benchmarks and phases of a rollout that has ended are kept; verdicts stay. Default: 90");
    private static readonly Option<string> s_maximumContent = Text("--max-content", "BYTES", "Largest file that is taken in. Default: 17179869184");
    private static readonly Option<string> s_brokerPort = Text("--broker-port", "PORT", "Port of the MQTT broker that the controller starts (needs mosquitto). Default: 8883");
    private static readonly Option<string> s_mqttReaders = Text("--mqtt-reader", "NAME,…", "Programs that may listen at that broker (edgefleet/v1/# and edgefleet/alarms/v1/#); pki/reader-NAME.pem and .key are theirs, new at each start.");
    private static readonly Option<string> s_mqttHost = Text("--mqtt-host", "HOST", "Use this MQTT 5 broker instead of starting one.");
    private static readonly Option<string> s_mqttPort = Text("--mqtt-port", "PORT", "Its TLS port. Default: 8883");
    private static readonly Option<string> s_mqttCa = Text("--mqtt-ca", "FILE", "Roots that the controller and its devices trust for it (PEM). Default: the fleet's own");
    private static readonly Option<string> s_mqttCertificate = Text("--mqtt-cert", "FILE", "The controller's client certificate for it (PEM). Default: one of the fleet's own authority");
    private static readonly Option<string> s_mqttKey = Text("--mqtt-key", "FILE", "The key of --mqtt-cert (PEM).");

    public static async Task<int> InvokeAsync(string[] args)
    {
        ParseResult parsed = Create().Parse(args);
        int code = await parsed.InvokeAsync();
        // The parser's own code for wrong usage is 1.
        return parsed.Errors.Count > 0 ? WrongUsage : code;
    }

    public static RootCommand Create()
    {
        RootCommand command = new("""
            The controller of an EdgeFleet: enrols devices, keeps artifacts, runs rollouts, takes in reports.

            First start:
              edgefleet-controller --data /var/lib/edgefleet
            makes a certificate authority (pki/), an operator token (operator.token) and endpoints.json, which says where it
            listens. Put public release keys into trust/*.pub, then:
              edgefleet --controller-data /var/lib/edgefleet device token --count 8 --out bundle.json
              edgefleet-agent enroll --bundle bundle.json --state /var/lib/edgefleet-agent

            Every port may be 0 for any free one; endpoints.json names it. Every option can be set in the environment:
            --device-port is EDGEFLEET_DEVICE_PORT. Stop it with SIGTERM. It may be killed at any time: all it knows is in --data.
            Exit codes: 0 stopped as told, 2 wrong usage, 3 it could not start or go on.
            """)
        {
            s_data, s_tenant, s_operatorUrl, s_bind, s_enrollPort, s_devicePort, s_names, s_beat, s_maximumContent, s_renewalGrace, s_keepEvidence,
            s_brokerPort, s_mqttReaders, s_mqttHost, s_mqttPort, s_mqttCa, s_mqttCertificate, s_mqttKey,
        };
        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>Reads the options; null, with a sentence on stderr, when one cannot be used.</summary>
    internal static ControllerOptions? Read(ParseResult parsed, Func<string, string?> environment, TextWriter errors)
    {
        try
        {
            ControllerOptions defaults = new() { DataFolder = Value(s_data) ?? throw new FormatException("--data DIR is needed (or EDGEFLEET_DATA)") };
            ControllerOptions options = defaults with
            {
                Tenant = Value(s_tenant) ?? defaults.Tenant,
                OperatorUrl = Value(s_operatorUrl) is { } url ? ReadUrl(url) : defaults.OperatorUrl,
                BindAddress = Value(s_bind) is { } bind ? ReadAddress(bind) : defaults.BindAddress,
                EnrollPort = Number(s_enrollPort, defaults.EnrollPort),
                DevicePort = Number(s_devicePort, defaults.DevicePort),
                Names = Value(s_names)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? defaults.Names,
                BeatInterval = TimeSpan.FromSeconds(Number(s_beat, (int)defaults.BeatInterval.TotalSeconds)),
                MaximumContentBytes = Number(s_maximumContent, defaults.MaximumContentBytes),
                RenewalGrace = TimeSpan.FromDays(Number(s_renewalGrace, (int)defaults.RenewalGrace.TotalDays)),
                KeepEvidence = TimeSpan.FromDays(Number(s_keepEvidence, (int)defaults.KeepEvidence.TotalDays)),
                Broker = new BrokerOptions
                {
                    ExternalHost = Value(s_mqttHost),
                    Readers = Value(s_mqttReaders)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
                    ExternalPort = Number(s_mqttPort, defaults.Broker.ExternalPort),
                    CaFile = Value(s_mqttCa),
                    CertificateFile = Value(s_mqttCertificate),
                    KeyFile = Value(s_mqttKey),
                    EmbeddedPort = Number(s_brokerPort, defaults.Broker.EmbeddedPort),
                },
            };
            options.Validate();
            return options;
        }
        catch (FormatException ex)
        {
            errors.WriteLine($"edgefleet-controller: {ex.Message}");
            return null;
        }

        string? Value(Option<string> option) =>
            parsed.GetValue(option) is { Length: > 0 } given ? given
            : environment(Variable(option.Name)) is { Length: > 0 } set ? set
            : null;

        T Number<T>(Option<string> option, T absent)
            where T : struct, ISpanParsable<T> =>
            Value(option) is not { } text ? absent
            : T.TryParse(text, CultureInfo.InvariantCulture, out T number) ? number
            : throw new FormatException($"{option.Name} '{text}' is not a number");
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (Read(parsed, Environment.GetEnvironmentVariable, Console.Error) is not { } options)
        {
            return WrongUsage;
        }
        try
        {
            await using ControllerHost host = await ControllerHost.StartAsync(options, new ControllerParts(), cancellationToken);
            await host.WaitForShutdownAsync(cancellationToken);
            if (host.Failure is not { } failure)
            {
                return 0;
            }
            await Console.Error.WriteLineAsync($"edgefleet-controller: {failure.Message}");
            return WorldFailed;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or FormatException or InvalidDataException or DllNotFoundException)
        {
            await Console.Error.WriteLineAsync($"edgefleet-controller: {ex.Message}");
            return WorldFailed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
    }

    private static string Variable(string option) => "EDGEFLEET_" + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    private static Uri ReadUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? url) ? url : throw new FormatException($"--operator-url '{text}' is not an address");

    private static IPAddress ReadAddress(string text) => IPAddress.TryParse(text, out IPAddress? address) ? address : throw new FormatException($"--bind '{text}' is not an IP address");

    private static Option<string> Text(string name, string value, string description) => new(name) { HelpName = value, Description = description };
}
