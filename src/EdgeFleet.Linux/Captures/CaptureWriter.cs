using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Captures;

/// <summary>What went into a capture.</summary>
/// <param name="Files">Paths of the files, in order.</param>
/// <param name="Bytes">Of them together, unpacked.</param>
/// <param name="Errors">Reads that failed; their errnos are in the index.</param>
/// <param name="Answers">Questions that are no files.</param>
/// <param name="TakenOut">Addresses, serial numbers and names of this device that were replaced.</param>
public sealed record CaptureSummary(IReadOnlyList<string> Files, long Bytes, int Errors, int Answers, int TakenOut, IReadOnlyList<string> Cut, IReadOnlyList<string> LeftOut);

/// <summary>Packs what was recorded as a .tar.gz of plain files below their paths, with the index.</summary>
public static class CaptureWriter
{
    public const int LargestFile = 256 << 10;
    public const int LargestWhole = 4 << 20;

    /// <param name="target">Takes the archive.</param>
    /// <param name="files">What readers asked for.</param>
    /// <param name="answers">What the device was asked besides.</param>
    /// <param name="hostName">The name of this host, which is taken out.</param>
    /// <param name="tool">Name and version of the program.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static CaptureSummary Write(Stream target, RecordingFiles files, IReadOnlyDictionary<string, DeviceAnswer> answers, string hostName, string tool)
    {
        Scrubber scrubber = new(hostName);
        SortedDictionary<string, byte[]> contents = new(StringComparer.Ordinal);
        List<string> cut = [], leftOut = [];
        long total = 0;
        foreach ((string path, FileText text) in files.Texts.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            if (text.Text is null)
            {
                continue;
            }
            string name = scrubber.Name(path);
            byte[] content = Encoding.UTF8.GetBytes(scrubber.Content(path, text.Text) + "\n");
            if (content.Length > LargestFile)
            {
                content = content[..LargestFile];
                cut.Add(name);
            }
            if (total + content.Length > LargestWhole || !IsBelowRoot(name))
            {
                leftOut.Add(name);
                continue;
            }
            total += content.Length;
            contents[name] = content;
        }
        CaptureIndex index = new()
        {
            Tool = tool,
            Errors = Sorted(files.Texts.Where(file => file.Value.Text is null).Select(file => (scrubber.Name(file.Key), file.Value.Error))),
            Folders = Sorted(files.Folders.Select(folder => (scrubber.Name(folder.Key), (IReadOnlyList<string>)[.. folder.Value.Select(scrubber.Name)]))),
            Existing = Sorted(files.Existing.Select(path => (scrubber.Name(path.Key), path.Value))),
            Links = Sorted(files.Links.Select(link => (scrubber.Name(link.Key), link.Value is null ? null : scrubber.Name(link.Value)))),
            Answers = Sorted(answers.Select(answer => (answer.Key, answer.Value with { Text = scrubber.Name(answer.Value.Text) }))),
            Cut = cut,
            LeftOut = leftOut,
        };
        Pack(target, contents, JsonSerializer.SerializeToUtf8Bytes(index, CaptureJsonContext.Default.CaptureIndex));
        return new CaptureSummary([.. contents.Keys], total, index.Errors.Count, index.Answers.Count, scrubber.Count, cut, leftOut);
    }

    private static void Pack(Stream target, SortedDictionary<string, byte[]> contents, byte[] index)
    {
        using GZipStream packed = new(target, CompressionLevel.Optimal, leaveOpen: true);
        using TarWriter tar = new(packed, TarEntryFormat.Pax);
        Add(CaptureIndex.FileName, index);
        foreach ((string path, byte[] content) in contents)
        {
            Add(path.TrimStart('/'), content);
        }

        void Add(string name, byte[] content) => tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
        {
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            // Neither when nor by whom: both tell more of a person than of a device.
            ModificationTime = DateTimeOffset.UnixEpoch,
            DataStream = new MemoryStream(content),
        });
    }

    /// <summary>A path of a reader never leaves the root; should one, it stays out of an archive that others unpack.</summary>
    private static bool IsBelowRoot(string path) => path.StartsWith('/') && !path.Split('/').Contains("..");

    private static SortedDictionary<string, T> Sorted<T>(IEnumerable<(string Key, T Value)> pairs)
    {
        SortedDictionary<string, T> sorted = new(StringComparer.Ordinal);
        foreach ((string key, T value) in pairs)
        {
            sorted[key] = value;
        }
        return sorted;
    }
}
