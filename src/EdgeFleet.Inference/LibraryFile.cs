using System.Runtime.InteropServices;

namespace EdgeFleet.Inference;

/// <summary>What the loader does not say of a library that it does not load.</summary>
internal static class LibraryFile
{
    // elf.h: e_ident, e_type, e_machine.
    private const int MachineAt = 18, HeaderSize = 20;
    private static readonly Dictionary<ushort, Architecture> s_machines = new() { [62] = Architecture.X64, [183] = Architecture.Arm64, [40] = Architecture.Arm };

    /// <summary>Null where the file is a library of this processor, or is not there: the loader's own reason is better then.</summary>
    public static string? WhyNot(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        Span<byte> header = stackalloc byte[HeaderSize];
        using FileStream file = File.OpenRead(path);
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.StartsWith("\u007FELF"u8))
        {
            return "it is no library";
        }
        ushort machine = (ushort)(header[MachineAt] | (header[MachineAt + 1] << 8));
        return s_machines.GetValueOrDefault(machine, (Architecture)(-1)) == RuntimeInformation.ProcessArchitecture
            ? null
            : $"it is for {(s_machines.TryGetValue(machine, out Architecture other) ? Name(other) : $"machine {machine}")}, this is {Name(RuntimeInformation.ProcessArchitecture)}";
    }

    private static string Name(Architecture architecture) => architecture.ToString().ToLowerInvariant();
}
