using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace EdgeFleet.Benchmarks.Gpio;

/// <summary>An archive that the kernel unpacks into its first root (cpio, "newc"), with one program as <c>/init</c>.</summary>
internal static class InitialRamDisk
{
    private const int Directory = 0x41ED, Program = 0x81ED;

    public static void Write(string path, byte[] init)
    {
        using GZipStream archive = new(File.Create(path), CompressionLevel.Fastest);
        Entry(archive, "dev", Directory, []);
        Entry(archive, "init", Program, init);
        Entry(archive, "TRAILER!!!", 0, []);
    }

    /// <summary>Thirteen numbers of eight hexadecimal digits, the name, the content, each padded to four bytes.</summary>
    private static void Entry(Stream archive, string name, int mode, byte[] content)
    {
        int[] numbers = [0, mode, 0, 0, 1, 0, content.Length, 0, 0, 0, 0, name.Length + 1, 0];
        byte[] head = Encoding.ASCII.GetBytes("070701" + string.Concat(numbers.Select(number => number.ToString("x8", CultureInfo.InvariantCulture))) + name + '\0');
        Padded(archive, head);
        Padded(archive, content);
    }

    private static void Padded(Stream archive, byte[] part)
    {
        archive.Write(part);
        archive.Write(new byte[(4 - part.Length % 4) % 4]);
    }
}
