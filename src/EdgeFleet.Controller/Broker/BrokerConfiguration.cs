using System.Globalization;
using System.Text;
using EdgeFleet.Controller.Webhooks;
using EdgeFleet.Core;

namespace EdgeFleet.Controller.Broker;

/// <summary>The two files that mosquitto reads. Text only; see mosquitto.conf(5).</summary>
internal static class BrokerConfiguration
{
    private const string Notice = "# Written by edgefleet-controller at each start. Changes here are lost.";

    public static string Settings(EmbeddedBrokerOptions options, (string ChainFile, string KeyFile) identity, int port, string aclFile)
    {
        EmbeddedBrokerOptions.RequireLine("certificate file", identity.ChainFile);
        EmbeddedBrokerOptions.RequireLine("key file", identity.KeyFile);
        StringBuilder text = new();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        Line($"{Notice}");
        Line($"listener {port}{(options.BindAddress is { } address ? $" {address}" : "")}");
        Line($"cafile {options.CaFile}");
        Line($"certfile {identity.ChainFile}");
        Line($"keyfile {identity.KeyFile}");
        Line($"tls_version tlsv1.2");
        Line($"require_certificate true");
        Line($"allow_anonymous false");
        // The name in the certificate is the user and the client id, whatever the client says: nobody can throw out another.
        Line($"use_identity_as_username true");
        Line($"use_username_as_clientid true");
        Line($"acl_file {aclFile}");
        // Without it each connect waits 40 ms for an acknowledgement that the other side holds back.
        Line($"set_tcp_nodelay true");
        Line($"max_packet_size {options.MaximumPacketBytes}");
        Line($"max_queued_messages {options.MaximumQueuedMessages}");
        Line($"max_inflight_messages {options.MaximumInFlightMessages}");
        Line($"persistence true");
        Line($"persistence_location {options.Folder.TrimEnd('/')}/");
        Line($"autosave_interval {Math.Max(1, (int)options.AutosaveInterval.TotalSeconds)}");
        Line($"log_dest stderr");
        Line($"log_timestamp false");
        Line($"log_type error");
        Line($"log_type warning");
        Line($"log_type notice");
        Line($"log_type information");
        if (Environment.IsPrivilegedProcess)
        {
            // Started by root it would become the user mosquitto, who may read neither the key nor the folder.
            Line($"user root");
        }
        return text.ToString();
    }

    /// <summary>
    /// A device reads and writes below its own name and nothing else. Denials come first in mosquitto's eyes, so a revoked
    /// device has nothing left of what the pattern gives to all.
    /// </summary>
    public static string AccessList(EmbeddedBrokerOptions options, IEnumerable<string> revoked)
    {
        StringBuilder text = new();
        text.Append(Notice).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"user {options.ControllerName}\n");
        text.Append("topic readwrite edgefleet/v1/#\n");
        text.Append(CultureInfo.InvariantCulture, $"topic write {AlarmPublisher.Root}/#\n");
        text.Append("topic read $SYS/#\n");
        foreach (string reader in options.ReaderNames)
        {
            text.Append(CultureInfo.InvariantCulture, $"user {reader}\n");
            text.Append("topic read edgefleet/v1/#\n");
            text.Append(CultureInfo.InvariantCulture, $"topic read {AlarmPublisher.Root}/#\n");
            text.Append("topic deny edgefleet/v1/").Append(options.Tenant).Append('/').Append(reader).Append("/#\n");
        }
        foreach (string device in revoked.Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"user {Identifier.Require("device", device)}\n");
            text.Append("topic deny #\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"pattern readwrite edgefleet/v1/{options.Tenant}/%u/#\n");
        return text.ToString();
    }
}
