using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EdgeFleet.Agent.Trials;

/// <summary>A worker's job: one JSON document, written by the supervisor.</summary>
internal static class JobFile
{
    /// <exception cref="FormatException">The file cannot be read or is no such job. The message names it.</exception>
    public static T Read<T>(string path, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw new FormatException($"job '{path}': the document is null");
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new FormatException($"job '{path}': {ex.Message}", ex);
        }
    }

    /// <exception cref="FormatException">The rule does not hold.</exception>
    public static void Require(string path, bool holds, string what)
    {
        if (!holds)
        {
            throw new FormatException($"job '{path}': {what}");
        }
    }
}
