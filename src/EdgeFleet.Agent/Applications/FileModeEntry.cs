using System.Text.Json.Serialization;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// A model whose files an application on this device loads itself: <c>file-mode/&lt;model&gt;.json</c>. The runner leaves such a
/// model alone; the supervisor points <c>models/&lt;model&gt;/current</c> at an artifact and runs the hook.
/// </summary>
internal sealed record FileModeEntry
{
    public const int CurrentSchemaVersion = 1;
    /// <summary>Below the supervisor's own limit for an activation.</summary>
    public const int LongestHookSeconds = 240;
    public const int LongestSilenceSeconds = 86_400;
    private const string Suffix = ".json";

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    /// <summary>The program that tells the application; an absolute path, never a line for a shell.</summary>
    public required string Hook { get; init; }
    public IReadOnlyList<string> Arguments { get; init; } = [];
    public int HookSeconds { get; init; } = 60;
    /// <summary>An application that has said nothing of the model that it should serve for so long is silent.</summary>
    public int SilentSeconds { get; init; } = 60;

    /// <summary>The models of this device that are in file mode.</summary>
    public static IReadOnlyList<string> Models(IFileStore files, string folder) =>
    [
        .. files.List(folder)
            .Where(name => name.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(name => name[..^Suffix.Length])
            .Where(Identifier.IsValid),
    ];

    /// <summary>
    /// Null with the reason where it cannot be read. It is not put aside as other documents are: the runner would take its
    /// absence for a model that it should serve.
    /// </summary>
    public static FileModeEntry? Read(StateFolder state, string model, out string reason)
    {
        string path = state.FileModeEntry(model);
        reason = $"'{path}' is gone";
        FileModeEntry? entry = state.Files.Read(path) is { } bytes
            ? StateFile.Parse(bytes, FileModeJsonContext.Default.FileModeEntry, found => found.SchemaVersion, CurrentSchemaVersion, out reason)
            : null;
        reason = entry is null ? $"'{path}': {reason}; 'edgefleet-agent file-mode set {model}' writes it anew" : "";
        return entry;
    }

    public void Write(StateFolder state) => StateFile.Write(state.Files, state.FileModeEntry(Model), this, FileModeJsonContext.Default.FileModeEntry);

    public static void Remove(StateFolder state, string model) => DurableFile.Delete(state.Files, state.FileModeEntry(model));
}

/// <summary>What the application was told last: <c>models/&lt;model&gt;/hook.json</c>. Written before the hook runs, and again when it has.</summary>
internal sealed record HookRecord
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    /// <summary>The digest that the hook was last run for.</summary>
    public required Digest Digest { get; init; }
    /// <summary>The one before; null where there was none.</summary>
    public Digest? Before { get; init; }
    /// <summary>It ended with exit code 0.</summary>
    public bool Done { get; init; }
    public DateTimeOffset At { get; init; }
    /// <summary>Whether the application had outputs to tell of while it served the one before.</summary>
    public bool OutputsBefore { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FileModeEntry))]
[JsonSerializable(typeof(HookRecord))]
internal sealed partial class FileModeJsonContext : JsonSerializerContext;
