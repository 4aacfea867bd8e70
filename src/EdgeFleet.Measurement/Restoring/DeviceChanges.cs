using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Restoring;

/// <summary>
/// What a benchmark changes on the device and puts back, however it ends. Each change is on disk before it is made: after a
/// kill -9 the next one (or the agent at its start) puts it back. The journal lies below <c>/run</c>, which a reboot empties
/// just as it undoes the changes.
/// </summary>
public sealed class DeviceChanges : IDisposable
{
    private const string Folder = "/run/edgefleet";
    /// <summary>What is to be put back; there is none where nothing is.</summary>
    public const string Journal = $"{Folder}/bench-changes.json";
    private const string Lock = $"{Folder}/bench-changes.lock";

    private readonly ISystemFiles _files;
    private readonly List<DeviceChange> _changes = [];
    private FileLease? _lease;

    private readonly ISystemSettings _settings;

    private DeviceChanges(ISystemFiles files, ISystemSettings settings) => (_files, _settings) = (files, settings);

    /// <summary>Puts back what a benchmark that died has left, then makes this one's changes.</summary>
    /// <param name="files">The device.</param>
    /// <param name="settings">The same device, to be changed.</param>
    /// <param name="governor">The frequency governor of every processor; null leaves it.</param>
    /// <exception cref="IOException">Something cannot be set; what was set has been put back.</exception>
    public static DeviceChanges Make(ISystemFiles files, ISystemSettings settings, string? governor)
    {
        RestoreLeftOver(files, settings);
        DeviceChanges changes = new(files, settings);
        try
        {
            if (governor is not null)
            {
                changes.SetGovernor(governor);
            }
            return changes;
        }
        catch
        {
            changes.Dispose();
            throw;
        }
    }

    /// <summary>Puts back what a benchmark that died has left; nothing while one is running.</summary>
    /// <returns>What was put back, for a log.</returns>
    public static IReadOnlyList<string> RestoreLeftOver(ISystemFiles files, ISystemSettings settings)
    {
        if (!files.Exists(Journal))
        {
            return [];
        }
        using FileLease? lease = FileLease.TryAcquire(Resolve(files, Lock));
        if (lease is null)
        {
            return []; // whoever holds it will put back its own
        }
        List<DeviceChange> changes;
        try
        {
            changes = JsonSerializer.Deserialize(files.Read(Journal).Text ?? "[]", DeviceChangeJsonContext.Default.ListDeviceChange) ?? [];
        }
        catch (JsonException)
        {
            // Cut off in the middle: it is saved before the first change, so nothing of it was done.
            changes = [];
        }
        List<string> restored = [.. changes.AsEnumerable().Reverse().Select(change => PutBack(files, settings, change)).OfType<string>()];
        File.Delete(Resolve(files, Journal));
        return restored;
    }

    public void Dispose()
    {
        foreach (DeviceChange change in Enumerable.Reverse(_changes))
        {
            PutBack(_files, _settings, change);
        }
        if (_changes.Count > 0)
        {
            File.Delete(Resolve(_files, Journal));
        }
        _changes.Clear();
        _lease?.Dispose();
    }

    private void SetGovernor(string governor)
    {
        List<string> paths = [.. _files.List("/sys/devices/system/cpu")
            .Select(name => $"/sys/devices/system/cpu/{name}/cpufreq/scaling_governor")
            .Where(_files.Exists)];
        if (paths.Count == 0)
        {
            throw new IOException($"governor '{governor}': no processor has /sys/devices/system/cpu/cpuN/cpufreq/scaling_governor; this kernel does not scale frequencies");
        }
        Directory.CreateDirectory(Resolve(_files, Folder));
        _lease = FileLease.TryAcquire(Resolve(_files, Lock)) ?? throw new IOException($"'{Lock}' is held: another benchmark is changing this device");
        foreach (string path in paths)
        {
            FileText before = _files.Read(path);
            if (before.Text is null)
            {
                throw new IOException($"governor: '{path}' cannot be read: {before.Error.Describe()}");
            }
            if (before.Text != governor)
            {
                _changes.Add(new DeviceChange(path, before.Text, governor));
            }
        }
        DurableFile.Write(Resolve(_files, Journal), JsonSerializer.SerializeToUtf8Bytes(_changes, DeviceChangeJsonContext.Default.ListDeviceChange));
        foreach (DeviceChange change in _changes)
        {
            Write(_settings, change.Path, change.Set);
        }
    }

    /// <summary>Only where it still is what we set: who changed it since meant it.</summary>
    private static string? PutBack(ISystemFiles files, ISystemSettings settings, DeviceChange change)
    {
        if (files.Read(change.Path).Text != change.Set)
        {
            return null;
        }
        Write(settings, change.Path, change.Before);
        return $"{change.Path}: back to '{change.Before}'";
    }

    private static void Write(ISystemSettings settings, string path, string text)
    {
        if (settings.Write(path, text) is var error and not Errno.None)
        {
            throw new IOException($"'{path}' cannot be set to '{text}': {error.Describe()}{(error is Errno.Eacces or Errno.Eperm ? "; root may" : "")}");
        }
    }

    private static string Resolve(ISystemFiles files, string path) => Path.Join(files.Root, path.TrimStart('/'));
}

/// <summary>One value of the device that was changed.</summary>
internal sealed record DeviceChange(string Path, string Before, string Set);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(List<DeviceChange>))]
internal sealed partial class DeviceChangeJsonContext : JsonSerializerContext;
