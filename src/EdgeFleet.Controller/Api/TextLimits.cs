namespace EdgeFleet.Controller.Api;

/// <summary>What a person writes goes to the audit log and onto screens; a file that was passed by mistake does not.</summary>
internal static class TextLimits
{
    public const int MaximumReason = 1024;

    /// <summary>Null where the text may be kept.</summary>
    public static string? Complaint(string what, string? text) =>
        text is { Length: > MaximumReason } ? $"{what}: {text.Length} characters; at most {MaximumReason}" : null;
}
