using System.Text.Json;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sampling;

namespace EdgeFleet.Agent.Serving.Labels;

/// <summary>Reads <c>{"labels": [{"id": "a", "label": 3}, {"id": "b", "label": [1, 2]}]}</c>: one class for each row of the request.</summary>
internal static class LabelsReader
{
    public const int MaximumBytes = 1 << 20;
    private const int MaximumRows = 1024;

    /// <exception cref="RequestException">The body says what is no label.</exception>
    public static IReadOnlyList<PostedLabel> Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("labels", out JsonElement labels) || labels.ValueKind != JsonValueKind.Array)
            {
                throw RequestException.BadRequest("expected {\"labels\": [{\"id\": …, \"label\": …}]}");
            }
            return [.. labels.EnumerateArray().Select(ReadLabel)];
        }
        catch (JsonException ex)
        {
            throw RequestException.BadRequest($"the labels are not valid JSON: {ex.Message}");
        }
    }

    private static PostedLabel ReadLabel(JsonElement label, int index)
    {
        string? id = label.ValueKind == JsonValueKind.Object && label.TryGetProperty("id", out JsonElement given) && given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        if (id is not { Length: > 0 and <= SampleTags.MaximumIdLength })
        {
            throw RequestException.BadRequest($"label {index} has no id of 1 to {SampleTags.MaximumIdLength} characters; it is the id of the inference request");
        }
        return new PostedLabel(id, label.TryGetProperty("label", out JsonElement value) ? ReadClasses(value, index) : throw NoClass(index));
    }

    private static int[] ReadClasses(JsonElement value, int index) => value.ValueKind switch
    {
        JsonValueKind.Number => [ReadClass(value, index)],
        JsonValueKind.Array when value.GetArrayLength() is > 0 and <= MaximumRows => [.. value.EnumerateArray().Select(one => ReadClass(one, index))],
        _ => throw NoClass(index),
    };

    private static int ReadClass(JsonElement value, int index) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int known) && known >= 0 ? known : throw NoClass(index);

    private static RequestException NoClass(int index) => RequestException.BadRequest(
        $"label {index} has no class: expected \"label\" to be the index of the class in the model's output, or a list of one for each of 1 to {MaximumRows} rows");
}
