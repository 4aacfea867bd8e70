using System.Text.Json.Serialization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Captures;

/// <summary>
/// What a folder of captured files cannot say by itself: which reads failed with what, what folders held, where links led,
/// and what the kernel answered to questions that are no files. It lies in the root of the folder.
/// </summary>
public sealed record CaptureIndex
{
    public const int CurrentSchemaVersion = 1;
    public const string FileName = "edgefleet-capture.json";

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Tool { get; init; }
    /// <summary>Reads that failed, by path.</summary>
    public IReadOnlyDictionary<string, Errno> Errors { get; init; } = new Dictionary<string, Errno>();
    /// <summary>Names in every folder that was listed, also of what nobody read.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Folders { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
    public IReadOnlyDictionary<string, bool> Existing { get; init; } = new Dictionary<string, bool>();
    /// <summary>Where links led; null for what was no link.</summary>
    public IReadOnlyDictionary<string, string?> Links { get; init; } = new Dictionary<string, string?>();
    public IReadOnlyDictionary<string, DeviceAnswer> Answers { get; init; } = new Dictionary<string, DeviceAnswer>();
    /// <summary>Files that were longer than a capture takes and end early.</summary>
    public IReadOnlyList<string> Cut { get; init; } = [];
    /// <summary>Files that were read and left out, because there was no room for them.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];
}

/// <summary>What a device answered to a question that is no file, such as an ioctl.</summary>
/// <param name="Error">None: the text is the answer.</param>
/// <param name="Text">The answer; or more about the error.</param>
public sealed record DeviceAnswer(Errno Error, string Text)
{
    public static DeviceAnswer Of(string text) => new(Errno.None, text);

    public static DeviceAnswer Failed(Errno error, string text = "") => new(error, text);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CaptureIndex))]
internal sealed partial class CaptureJsonContext : JsonSerializerContext;
