using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EdgeFleet.Controller.Store;

/// <summary>One act of a person or of the controller. <see cref="Hash"/> covers the act and the hash before it.</summary>
internal sealed record AuditEntry
{
    public long Seq { get; init; }
    public long At { get; init; }
    public string Actor { get; init; } = "";
    public string Act { get; init; } = "";
    public string Subject { get; init; } = "";
    public string Detail { get; init; } = "";
    public string Previous { get; init; } = "";
    public string Hash { get; init; } = "";
}

/// <summary>
/// The audit log: a hash chain, written in the same transaction as the act, so that an entry cannot be altered, taken out
/// or moved without the chain showing where. (Cutting off the end shows only against a head that was noted elsewhere.)
/// </summary>
internal static class AuditStore
{
    private static readonly string s_first = new('0', 64);

    public static void Append(WriteTransaction transaction, long at, string actor, string act, string subject, string detail)
    {
        AuditEntry? last = transaction.QueryOne<AuditEntry>("SELECT * FROM audit ORDER BY seq DESC LIMIT 1");
        AuditEntry entry = new()
        {
            Seq = (last?.Seq ?? 0) + 1,
            At = at,
            Actor = actor,
            Act = act,
            Subject = subject,
            Detail = detail,
            Previous = last?.Hash ?? s_first,
        };
        transaction.Execute(
            "INSERT INTO audit (seq, at, actor, act, subject, detail, previous, hash) VALUES (@Seq, @At, @Actor, @Act, @Subject, @Detail, @Previous, @Hash)",
            entry with { Hash = Hash(entry) });
    }

    public static IReadOnlyList<AuditEntry> List(ReadSession session, long after, int limit) =>
        session.Query<AuditEntry>("SELECT * FROM audit WHERE seq > @after ORDER BY seq LIMIT @limit", new { after, limit });

    /// <summary>Walks the whole chain; null when every link holds, else the first entry that does not and why.</summary>
    public static string? FirstBrokenLink(ReadSession session)
    {
        string previous = s_first;
        long seq = 0;
        while (true)
        {
            IReadOnlyList<AuditEntry> page = List(session, seq, 1000);
            if (page.Count == 0)
            {
                return null;
            }
            foreach (AuditEntry entry in page)
            {
                if (entry.Seq != seq + 1)
                {
                    return $"entry {seq + 1} is missing";
                }
                if (entry.Previous != previous)
                {
                    return $"entry {entry.Seq} follows another entry than {seq}";
                }
                if (Hash(entry) != entry.Hash)
                {
                    return $"entry {entry.Seq} was changed";
                }
                previous = entry.Hash;
                seq = entry.Seq;
            }
        }
    }

    private static string Hash(AuditEntry entry)
    {
        // Each text with its length in front: two entries can never run together to the same bytes.
        StringBuilder text = new();
        foreach (string part in (ReadOnlySpan<string>)[
            entry.Previous, entry.Seq.ToString(CultureInfo.InvariantCulture), entry.At.ToString(CultureInfo.InvariantCulture),
            entry.Actor, entry.Act, entry.Subject, entry.Detail])
        {
            text.Append(CultureInfo.InvariantCulture, $"{part.Length}:{part};");
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
