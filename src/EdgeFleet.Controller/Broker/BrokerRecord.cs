using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Controller.Broker;

/// <summary>
/// The child that an earlier controller left behind, if it did. A process id alone names somebody else after a while; with the
/// start time in clock ticks and the boot it names one process for ever.
/// </summary>
internal sealed record BrokerRecord(int SchemaVersion, int ProcessId, long StartTicks, string BootId)
{
    /// <summary>Null where no such process runs.</summary>
    public static BrokerRecord? Of(int processId) =>
        StartTicksOf(processId) is { } ticks ? new BrokerRecord(1, processId, ticks, CurrentBoot()) : null;

    public static BrokerRecord? Load(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), BrokerJsonContext.Default.BrokerRecord);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            // None, or a record that nobody can read: then nothing is known of an earlier child.
            return null;
        }
    }

    public void Save(string path) => DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, BrokerJsonContext.Default.BrokerRecord));

    public bool IsRunning => BootId == CurrentBoot() && StartTicksOf(ProcessId) == StartTicks;

    /// <summary>Asks it to save and end, and kills it where it does not.</summary>
    public async Task EndAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!IsRunning)
        {
            return;
        }
        ProcessSignals.TrySend(ProcessId, ProcessSignal.Terminate);
        long began = time.GetTimestamp();
        bool killed = false;
        while (IsRunning)
        {
            if (!killed && time.GetElapsedTime(began) > patience)
            {
                using Process process = Process.GetProcessById(ProcessId);
                process.Kill();
                killed = true;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(10), time, cancellationToken);
        }
    }

    /// <summary>Field 22 of /proc/PID/stat. A zombie has ended already: nothing of it is left but its number.</summary>
    private static long? StartTicksOf(int processId)
    {
        if (KernelFiles.Host.Read($"/proc/{processId}/stat").Text is not { } stat)
        {
            return null;
        }
        // The second field is the program's name in parentheses and may itself contain blanks and parentheses.
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19 && fields[0] is not ("Z" or "X") && long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out long ticks)
            ? ticks
            : null;
    }

    private static string CurrentBoot() => KernelFiles.Host.Read("/proc/sys/kernel/random/boot_id").Text?.Trim() ?? "";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BrokerRecord))]
internal sealed partial class BrokerJsonContext : JsonSerializerContext;
