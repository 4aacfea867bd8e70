using System.Text;

namespace EdgeFleet.Mqtt;

/// <summary>The rules for topic names and filters (MQTT 5, 4.7 and 4.8).</summary>
public static class MqttTopic
{
    private const int MaximumBytes = 65535;
    private const string SharePrefix = "$share/";

    /// <summary>What is wrong with a topic to publish to, or null.</summary>
    public static string? NameFault(string topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (TextFault(topic, "topic") is { } fault)
        {
            return fault;
        }
        return topic.AsSpan().ContainsAny('+', '#') ? $"topic '{topic}' contains a wildcard" : null;
    }

    /// <summary>What is wrong with a topic filter to subscribe to, or null.</summary>
    public static string? FilterFault(string filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (TextFault(filter, "filter") is { } fault)
        {
            return fault;
        }
        ReadOnlySpan<char> rest = filter;
        if (filter.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            rest = rest[SharePrefix.Length..];
            int slash = rest.IndexOf('/');
            if (slash <= 0 || rest[..slash].ContainsAny('+', '#') || slash == rest.Length - 1)
            {
                return $"filter '{filter}' is not $share/<name>/<filter>";
            }
            rest = rest[(slash + 1)..];
        }
        foreach (Range level in rest.Split('/'))
        {
            ReadOnlySpan<char> text = rest[level];
            if (text.ContainsAny('+', '#') && (text.Length > 1 || (text[0] == '#' && level.End.GetOffset(rest.Length) != rest.Length)))
            {
                return $"filter '{filter}' has a wildcard that is not a level of its own, or # before the end";
            }
        }
        return null;
    }

    /// <summary>Whether a subscription to the filter receives the topic. For a shared subscription its inner filter decides.</summary>
    public static bool Matches(string filter, string topic)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(topic);
        ReadOnlySpan<char> pattern = filter;
        if (filter.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            int slash = filter.IndexOf('/', SharePrefix.Length);
            pattern = slash < 0 ? default : pattern[(slash + 1)..];
        }
        ReadOnlySpan<char> name = topic;
        // A leading wildcard must not reach the broker's own topics.
        if (pattern.IsEmpty || (pattern[0] is '+' or '#' && name.StartsWith('$')))
        {
            return false;
        }
        while (true)
        {
            if (pattern is "#")
            {
                return true;
            }
            int patternEnd = pattern.IndexOf('/');
            int nameEnd = name.IndexOf('/');
            ReadOnlySpan<char> patternLevel = patternEnd < 0 ? pattern : pattern[..patternEnd];
            ReadOnlySpan<char> nameLevel = nameEnd < 0 ? name : name[..nameEnd];
            if (patternLevel is not "+" && !patternLevel.SequenceEqual(nameLevel))
            {
                return false;
            }
            if (patternEnd < 0 || nameEnd < 0)
            {
                // "a/#" also matches its parent "a".
                return patternEnd < 0 ? nameEnd < 0 : pattern[(patternEnd + 1)..] is "#";
            }
            pattern = pattern[(patternEnd + 1)..];
            name = name[(nameEnd + 1)..];
        }
    }

    private static string? TextFault(string text, string what)
    {
        if (text.Length == 0)
        {
            return $"the {what} is empty";
        }
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return $"{what} '{text.Replace('\0', '?')}' contains a NUL character";
        }
        // Every char takes at most three bytes of UTF-8.
        return text.Length > MaximumBytes / 3 && Encoding.UTF8.GetByteCount(text) > MaximumBytes ? $"the {what} takes more than {MaximumBytes} bytes" : null;
    }
}
