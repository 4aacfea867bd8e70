using System.Text.Json;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Where two verdicts differ, place by place: <c>metrics[disagreement].harmLogE: stored 1.2, computed 1.3</c>.</summary>
internal static class VerdictDifferences
{
    // What an element of a list is known by; of a drift that is what moved, of missing evidence its subject.
    private static readonly string[] s_names = ["metric", "deviceId", "subject", "what", "value"];

    public static IReadOnlyList<string> Between(string stored, string computed)
    {
        using JsonDocument then = JsonDocument.Parse(stored);
        using JsonDocument now = JsonDocument.Parse(computed);
        List<string> found = [];
        Compare("", then.RootElement, now.RootElement, found);
        return found;
    }

    private static void Compare(string path, JsonElement? then, JsonElement? now, List<string> found)
    {
        if (then is { ValueKind: JsonValueKind.Object } a && now is { ValueKind: JsonValueKind.Object } b)
        {
            foreach (string name in a.EnumerateObject().Concat(b.EnumerateObject()).Select(p => p.Name).Distinct(StringComparer.Ordinal))
            {
                Compare(path.Length > 0 ? $"{path}.{name}" : name, Member(a, name), Member(b, name), found);
            }
        }
        else if (then is { ValueKind: JsonValueKind.Array } c && now is { ValueKind: JsonValueKind.Array } d)
        {
            for (int i = 0; i < Math.Max(c.GetArrayLength(), d.GetArrayLength()); i++)
            {
                JsonElement? left = i < c.GetArrayLength() ? c[i] : null;
                JsonElement? right = i < d.GetArrayLength() ? d[i] : null;
                Compare($"{path}[{NameOf((left ?? right)!.Value) ?? $"{i}"}]", left, right, found);
            }
        }
        else if (then?.GetRawText() != now?.GetRawText())
        {
            found.Add($"{path}: stored {Text(then)}, computed {Text(now)}");
        }
    }

    private static JsonElement? Member(JsonElement map, string name) => map.TryGetProperty(name, out JsonElement value) ? value : null;

    private static string? NameOf(JsonElement element) => element.ValueKind != JsonValueKind.Object ? null
        : s_names.Select(name => Member(element, name)).OfType<JsonElement>().Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()).FirstOrDefault();

    private static string Text(JsonElement? value) => value?.GetRawText() ?? "nothing";
}
