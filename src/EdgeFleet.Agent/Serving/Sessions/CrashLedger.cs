using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// Counts the starts that ended badly with a digest, so that a model that kills the runner is not loaded for ever. A digest
/// is charged before it is loaded; a healthy minute or an orderly end takes the charge back, a crash leaves it. Where the
/// disk does not take the count it goes on in memory: a device that serves and cannot count is worth more than the reverse.
/// </summary>
internal sealed partial class CrashLedger
{
    /// <summary>After so many crashes in a row an older digest is served.</summary>
    public const int Limit = 3;

    private readonly string? _path;
    private readonly IFileStore _files;
    private readonly ILogger _log;
    private readonly Dictionary<string, Dictionary<Digest, int>> _crashes;
    private readonly HashSet<(string Model, Digest Digest)> _charged = [];
    private string? _loading;
    private bool _unsaved;

    /// <param name="path">The file, or null to remember nothing (a runner without state).</param>
    /// <param name="startedAt">When this runner started.</param>
    public CrashLedger(string? path, DateTimeOffset startedAt, IFileStore files, ILogger log)
    {
        (_path, _files, _log) = (path, files, log);
        StartedAt = startedAt;
        LedgerFile? last = Read();
        _crashes = last?.Crashes?.ToDictionary(model => model.Key, model => new Dictionary<Digest, int>(model.Value)) ?? [];
        if (last is { Loading: { } guilty, Charged: not null })
        {
            // It died while loading one model: the others that were still in their first minute did nothing wrong.
            foreach ((string model, Digest digest) in last.Charged.Select(charge => (charge.Model, charge.Digest)).Where(charge => charge.Model != guilty))
            {
                Forgive(model, digest);
            }
        }
        Save();
    }

    public DateTimeOffset StartedAt { get; }

    public int CrashesOf(string model, Digest digest) =>
        _crashes.TryGetValue(model, out Dictionary<Digest, int>? counts) && counts.TryGetValue(digest, out int count) ? count : 0;

    /// <summary>Comes before a digest is loaded.</summary>
    public void Charge(string model, Digest digest)
    {
        if (!_crashes.TryGetValue(model, out Dictionary<Digest, int>? counts))
        {
            _crashes[model] = counts = [];
        }
        counts[digest] = counts.GetValueOrDefault(digest) + 1;
        _charged.Add((model, digest));
        _loading = model;
        Save();
    }

    /// <summary>Loading ended, well or with an error that the runner survived.</summary>
    public void Loaded()
    {
        _loading = null;
        Save();
    }

    /// <summary>The digest proved itself, or did not load without doing harm: what was counted against it is forgotten.</summary>
    public void Clear(string model, Digest digest)
    {
        if (_crashes.TryGetValue(model, out Dictionary<Digest, int>? counts) && counts.Remove(digest) | _charged.Remove((model, digest)))
        {
            Save();
        }
    }

    /// <summary>It is taken away in order: this run's charge is taken back, and what earlier runs counted stays.</summary>
    public void Release(string model, Digest digest)
    {
        if (_charged.Remove((model, digest)))
        {
            Forgive(model, digest);
            Save();
        }
    }

    /// <summary>An orderly end: what is still in its first minute did not crash.</summary>
    public void EndOrderly()
    {
        foreach ((string model, Digest digest) in _charged)
        {
            Forgive(model, digest);
        }
        _charged.Clear();
        _loading = null;
        Save();
    }

    private void Forgive(string model, Digest digest)
    {
        if (_crashes.TryGetValue(model, out Dictionary<Digest, int>? counts) && counts.TryGetValue(digest, out int count))
        {
            if (count > 1)
            {
                counts[digest] = count - 1;
            }
            else
            {
                counts.Remove(digest);
            }
        }
    }

    private void Save()
    {
        if (_path is null)
        {
            return;
        }
        LedgerFile file = new()
        {
            SchemaVersion = LedgerFile.CurrentSchemaVersion,
            Pid = Environment.ProcessId,
            StartedAt = StartedAt,
            Loading = _loading,
            Charged = [.. _charged.Select(charge => new LedgerCharge(charge.Model, charge.Digest))],
            Crashes = _crashes.Where(model => model.Value.Count > 0).ToDictionary(model => model.Key, model => model.Value),
        };
        try
        {
            DurableFile.Write(_files, _path, JsonSerializer.SerializeToUtf8Bytes(file, LedgerJsonContext.Default.LedgerFile));
            _unsaved = false;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            if (!_unsaved)
            {
                LogNotSaved(_path, ex.Message);
            }
            _unsaved = true;
        }
    }

    private LedgerFile? Read()
    {
        try
        {
            LedgerFile? file = _path is not null && _files.Read(_path) is { } bytes ? JsonSerializer.Deserialize(bytes, LedgerJsonContext.Default.LedgerFile) : null;
            return file?.SchemaVersion == LedgerFile.CurrentSchemaVersion ? file : null;
        }
        catch (Exception ex) when (ex is JsonException or IOException or UnauthorizedAccessException)
        {
            // A count that is damaged or cannot be read is worth less than serving: it begins anew.
            LogNotRead(_path!, ex.Message);
            return null;
        }
    }

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "{Path} cannot be written ({Reason}); serving goes on, but a model that ends the runner is not counted until it can")]
    private partial void LogNotSaved(string path, string reason);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "{Path} cannot be read ({Reason}); the count of crashes begins anew")]
    private partial void LogNotRead(string path, string reason);
}

/// <summary><c>serve/serve.json</c>.</summary>
internal sealed record LedgerFile
{
    public const int CurrentSchemaVersion = 1;

    public required int SchemaVersion { get; init; }
    public required int Pid { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>The model that is being loaded at this moment.</summary>
    public string? Loading { get; init; }
    /// <summary>Digests of this run that are not yet proven.</summary>
    public IReadOnlyList<LedgerCharge>? Charged { get; init; }
    /// <summary>Per model and digest: starts that ended badly, the running one included until it is proven.</summary>
    public IReadOnlyDictionary<string, Dictionary<Digest, int>>? Crashes { get; init; }
}

internal sealed record LedgerCharge(string Model, Digest Digest);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LedgerFile))]
internal sealed partial class LedgerJsonContext : JsonSerializerContext;
