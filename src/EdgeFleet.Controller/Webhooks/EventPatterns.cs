namespace EdgeFleet.Controller.Webhooks;

/// <summary>Which events a webhook wants: <c>rollout.classTakenBack</c>, or all of a kind as <c>device.*</c>, or <c>*</c>.</summary>
internal static class EventPatterns
{
    public const string All = "*";
    private const int Longest = 64;
    private static readonly string[] s_kinds = ["rollout.", "device."];

    /// <returns>What is wrong with it; null where it is one.</returns>
    public static string? Complaint(string pattern) =>
        pattern == All ? null
        : pattern.Length > Longest || !s_kinds.Any(kind => pattern.StartsWith(kind, StringComparison.Ordinal) && IsRest(pattern.AsSpan(kind.Length)))
            ? $"event '{(pattern.Length > Longest ? pattern[..Longest] + "…" : pattern)}': expected *, rollout.*, device.* or one kind, such as rollout.classTakenBack"
        : null;

    public static bool Matches(IEnumerable<string> patterns, string type) => patterns.Any(pattern =>
        pattern == All || (pattern.EndsWith('*') ? type.StartsWith(pattern[..^1], StringComparison.Ordinal) : type == pattern));

    private static bool IsRest(ReadOnlySpan<char> rest)
    {
        if (rest is "*")
        {
            return true;
        }
        foreach (char c in rest)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }
        return rest.Length > 0;
    }
}
