using System.Globalization;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Reporting;

/// <summary>
/// One file of the outbox: <c>BOOT-FIRSTSEQ.log</c>, entries one after another. Its name says which number comes first, so
/// that numbers go on even when all entries are gone.
/// </summary>
internal sealed class OutboxSegment(IFileStore files, string folder, long boot, long firstSeq) : IDisposable
{
    private IStoredFile? _open;
    private bool _dirty;

    public long Boot => boot;
    public long FirstSeq => firstSeq;
    public long Length { get; private set; }
    /// <summary>Entries that are neither acknowledged nor dropped.</summary>
    public int Live { get; set; }
    public long LiveBytes { get; set; }
    public string Path { get; } = System.IO.Path.Join(folder, string.Create(CultureInfo.InvariantCulture, $"{boot:x16}-{firstSeq:x16}.log"));

    public static bool TryParse(string name, out long boot, out long firstSeq)
    {
        boot = firstSeq = 0;
        return name.Length == 37 && name[16] == '-' && name.EndsWith(".log", StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out boot)
            && long.TryParse(name.AsSpan(17, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out firstSeq)
            && boot > 0 && firstSeq > 0;
    }

    /// <summary>Makes the file and its name durable.</summary>
    public void Create()
    {
        File().Flush();
        files.FlushDirectory(folder);
    }

    /// <summary>The whole content, where the entries begin, and whether all of it could be read.</summary>
    public (List<(OutboxEntry Entry, long Offset, int Bytes)> Entries, bool Whole) Load()
    {
        byte[] content = files.Read(Path) ?? [];
        List<(OutboxEntry, long, int)> entries = [];
        int at = 0;
        while (at < content.Length && OutboxEntry.Decode(content.AsMemory(at)) is var (entry, bytes))
        {
            entries.Add((entry, at, bytes));
            at += bytes;
        }
        Length = content.Length;
        return (entries, at == content.Length);
    }

    public long Append(byte[] frame)
    {
        long offset = Length;
        File().Write(frame, offset);
        Length += frame.Length;
        _dirty = true;
        return offset;
    }

    public OutboxEntry? Read(long offset, int bytes)
    {
        byte[] frame = new byte[bytes];
        return File().Read(frame, offset) == bytes ? OutboxEntry.Decode(frame)?.Entry : null;
    }

    public void Flush()
    {
        if (_dirty)
        {
            File().Flush();
            _dirty = false;
        }
    }

    /// <summary>Writes the file anew with these entries only.</summary>
    public void Rewrite(IReadOnlyList<byte[]> frames)
    {
        Close();
        DurableFile.Write(files, Path, (byte[])[.. frames.SelectMany(frame => frame)]);
        Length = frames.Sum(frame => (long)frame.Length);
        _dirty = false;
    }

    public void Delete()
    {
        Close();
        files.Delete(Path);
    }

    public void Close()
    {
        _open?.Dispose();
        _open = null;
    }

    public void Dispose() => Close();

    private IStoredFile File() => _open ??= files.Open(Path, DurableFile.PublicMode);
}
