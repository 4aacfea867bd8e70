using System.Net.Security;
using EdgeFleet.Core;

namespace EdgeFleet.Controller.Broker;

/// <summary>How the controller runs its own mosquitto.</summary>
internal sealed record EmbeddedBrokerOptions
{
    /// <summary>The broker's own folder: configuration, access list, saved sessions.</summary>
    public required string Folder { get; init; }

    public required string Tenant { get; init; }

    /// <summary>Roots that client certificates must lead to, PEM.</summary>
    public required string CaFile { get; init; }

    /// <summary>
    /// Writes a new certificate (with what leads to the root) and its key as PEM files and names them. Called at each start and
    /// again after <see cref="RenewEvery"/>: a controller may run for longer than its broker's certificate is good for.
    /// </summary>
    public required Func<(string ChainFile, string KeyFile)> WriteIdentity { get; init; }

    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Zero: a free one, the same again after a restart of the controller where it is still free.</summary>
    public int Port { get; init; } = 8883;

    /// <summary>Null: every address of this machine.</summary>
    public string? BindAddress { get; init; }

    public string AdvertisedHost { get; init; } = "localhost";

    /// <summary>Certificate name of the controller's session. It may read and write everything of the fleet.</summary>
    public string ControllerName { get; init; } = "edgefleet.controller";

    /// <summary>Certificate names that may read everything of the fleet and write nothing.</summary>
    public IReadOnlyList<string> ReaderNames { get; init; } = [];

    /// <summary>Devices that are out from the start; the database knows.</summary>
    public IReadOnlyCollection<string> RevokedDevices { get; init; } = [];

    public int MaximumPacketBytes { get; init; } = 1 << 20;

    /// <summary>Messages that wait for one session that is away or slow, such as the controller's during its own restart.</summary>
    public int MaximumQueuedMessages { get; init; } = 100_000;

    /// <summary>Unacknowledged QoS 1 messages per session, each way.</summary>
    public int MaximumInFlightMessages { get; init; } = 1_000;

    /// <summary>How often sessions and retained messages are saved; a kill loses what came after.</summary>
    public TimeSpan AutosaveInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For the first start, with everything that may have to be cleared away.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For saving its sessions at the end; then it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Before a broker that died is started again; doubled for each time in a row that it dies at once.</summary>
    public TimeSpan RestartDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaximumRestartDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the broker is asked for a sign of life; <see cref="Timeout.InfiniteTimeSpan"/>: never.</summary>
    public TimeSpan ProbeEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For one answer. Saving many sessions takes seconds, and nothing else happens meanwhile.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>So many in a row that are not answered, and the broker is killed and started again.</summary>
    public int ProbesMissed { get; init; } = 2;

    /// <summary>What the probe shows of itself; without it the broker notes an error each time, and answers too.</summary>
    public Func<SslStreamCertificateContext>? ProbeIdentity { get; init; }

    /// <summary>Null: from the path, or where Debian puts it.</summary>
    public string? MosquittoFile { get; init; }

    public void Validate()
    {
        Identifier.Require("tenant", Tenant);
        foreach (string device in RevokedDevices)
        {
            Identifier.Require("device", device);
        }
        foreach (string name in ReaderNames.Append(ControllerName))
        {
            RequireLine("certificate name", name);
            if (name.AsSpan().ContainsAny('+', '#', '/') || name.Contains(' ', StringComparison.Ordinal))
            {
                throw new ArgumentException($"certificate name '{name}' contains a wildcard, a slash or a space");
            }
        }
        foreach (string path in new[] { Folder, CaFile, BindAddress ?? "*" })
        {
            RequireLine("broker setting", path);
        }
        if (Port is < 0 or > 65535)
        {
            throw new ArgumentException($"broker port {Port} is not between 0 and 65535");
        }
        if (MaximumPacketBytes < 1024 || MaximumQueuedMessages < 1 || MaximumInFlightMessages is < 1 or > 65535)
        {
            throw new ArgumentException("the broker's limits must be positive, and a packet at least 1024 bytes");
        }
    }

    /// <summary>Every setting becomes one line of a file that ends at the line break.</summary>
    internal static void RequireLine(string what, string text)
    {
        if (text.Length == 0 || text.AsSpan().ContainsAny('\n', '\r', '\0'))
        {
            throw new ArgumentException($"{what} '{text.ReplaceLineEndings("?")}' is empty or has a line break");
        }
    }
}
