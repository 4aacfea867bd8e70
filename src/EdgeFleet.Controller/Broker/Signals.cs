using System.Diagnostics;
using System.Globalization;

namespace EdgeFleet.Controller.Broker;

/// <summary>
/// Sends a signal through the shell: the framework sends none but the killing one, and calling the kernel is not this
/// project's business. It happens at a revocation and at the end, never often.
/// </summary>
internal static class Signals
{
    public const string HangUp = "HUP";
    public const string Terminate = "TERM";

    /// <summary>A process that is gone already is no error.</summary>
    public static async Task SendAsync(int processId, string signal, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", "kill -s \"$1\" \"$2\" 2>/dev/null", "sh", signal, processId.ToString(CultureInfo.InvariantCulture)]);
        using Process shell = Process.Start(start) ?? throw new InvalidOperationException("/bin/sh did not start");
        await shell.WaitForExitAsync(cancellationToken);
    }
}
