using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Gpio;

/// <summary>
/// qemu's virt board with its PL061 chip, running Debian's arm64 kernel. System calls go to that kernel over the serial line,
/// so our own code drives a chip of another machine; the chip's registers and its one input line are reached from outside.
/// </summary>
internal sealed class VirtualBoard : IGpioKernel, IAsyncDisposable
{
    /// <summary>The virt board wires its power button to this line: high for 100 ms when it is pressed.</summary>
    public const uint PowerButtonLine = 3;
    private const uint ChipAddress = 0x9030000, DataOffset = 0x3FC, DirectionOffset = 0x400;
    private static readonly TimeSpan s_boot = TimeSpan.FromMinutes(2), s_call = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder;
    private readonly Process _process;
    private readonly Socket _monitor = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };

    private VirtualBoard(TemporaryFolder folder, Process process) => (_folder, _process) = (folder, process);

    /// <summary>What the guest's kernel calls itself.</summary>
    public string Kernel { get; private set; } = "";

    /// <summary>How often a system call went to the guest.</summary>
    public int Calls { get; private set; }

    public static async Task<VirtualBoard> StartAsync(CancellationToken cancellationToken)
    {
        string kernel = await Arm64Kernel.FetchAsync(cancellationToken);
        TemporaryFolder folder = new();
        string source = Path.Join(Checkout.Root, "tests", "EdgeFleet.Benchmarks", "Gpio", "serial_kernel.c");
        await Tool.RunAsync("aarch64-linux-gnu-gcc", ["-static", "-O1", "-Wall", "-Werror", "-o", folder["init"], source], folder.Path, new Dictionary<string, string>(), cancellationToken);
        InitialRamDisk.Write(folder["initrd"], await File.ReadAllBytesAsync(folder["init"], cancellationToken));
        Process process = Tool.Start(new ProcessStartInfo("qemu-system-aarch64",
        [
            "-M", "virt", "-cpu", "cortex-a53", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", folder["initrd"], "-append", "console=ttyAMA0 quiet loglevel=1 panic=-1",
            "-serial", "stdio", "-monitor", $"unix:{folder["monitor"]},server=on,wait=off",
        ])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });
        VirtualBoard board = new(folder, process);
        try
        {
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(s_boot, cancellationToken)
                    ?? throw new IOException($"qemu ended: {await process.StandardError.ReadToEndAsync(cancellationToken)}");
            }
            while (!line.StartsWith("ready ", StringComparison.Ordinal));
            board.Kernel = line["ready ".Length..].Trim();
            await board._monitor.ConnectAsync(new UnixDomainSocketEndPoint(folder["monitor"]), cancellationToken);
            board.ReadMonitor();
            return board;
        }
        catch
        {
            await board.DisposeAsync();
            throw;
        }
    }

    /// <summary>The level of a line as the chip has it, seen from outside of the guest.</summary>
    public bool Level(uint line) => (Register(DataOffset) >> (int)line & 1) != 0;

    /// <summary>Whether the chip drives a line.</summary>
    public bool IsOutput(uint line) => (Register(DirectionOffset) >> (int)line & 1) != 0;

    public void PressPowerButton() => AskMonitor("system_powerdown");

    public int Open(string path, out Errno error) => (int)Call($"open {path}", [], out error);

    public Errno Control(int descriptor, uint request, Span<byte> argument)
    {
        Call(string.Create(CultureInfo.InvariantCulture, $"ioctl {descriptor} {request:x} {Convert.ToHexStringLower(argument)}"), argument, out Errno error);
        return error;
    }

    public Errno Read(int descriptor, Span<byte> buffer, out int count)
    {
        count = (int)Math.Max(0, Call(string.Create(CultureInfo.InvariantCulture, $"read {descriptor} {buffer.Length}"), buffer, out Errno error));
        return error;
    }

    public bool WaitReadable(int descriptor, TimeSpan limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // The serial line carries one call at a time, so a wait without a limit is many short ones.
            int milliseconds = limit == Timeout.InfiniteTimeSpan ? 200 : (int)limit.TotalMilliseconds;
            long ready = Call(string.Create(CultureInfo.InvariantCulture, $"wait {descriptor} {milliseconds}"), [], out Errno error);
            if (error != Errno.None)
            {
                throw new IOException($"poll in the guest: {error.Describe()}");
            }
            if (ready > 0 || limit != Timeout.InfiniteTimeSpan)
            {
                return ready > 0;
            }
        }
    }

    public int Share(int descriptor, out Errno error) => (int)Call(string.Create(CultureInfo.InvariantCulture, $"dup {descriptor}"), [], out error);

    public void Close(int descriptor) => Call(string.Create(CultureInfo.InvariantCulture, $"close {descriptor}"), [], out _);

    public async ValueTask DisposeAsync()
    {
        _monitor.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private long Call(string command, Span<byte> answer, out Errno error)
    {
        Calls++;
        _process.StandardInput.Write(command + "\n");
        _process.StandardInput.Flush();
        while (true)
        {
            Task<string?> reading = _process.StandardOutput.ReadLineAsync();
            if (!reading.Wait(s_call))
            {
                throw new TimeoutException($"the guest did not answer '{command[..Math.Min(40, command.Length)]}'");
            }
            string[] words = (reading.Result ?? throw new IOException("qemu ended")).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            switch (words)
            {
                case ["!", var number]:
                    error = (Errno)int.Parse(number, CultureInfo.InvariantCulture);
                    return -1;
                case ["=", var result, .. var rest]:
                    error = Errno.None;
                    if (rest is [var bytes])
                    {
                        Convert.FromHexString(bytes).CopyTo(answer);
                    }
                    return long.Parse(result, CultureInfo.InvariantCulture);
                default:
                    // A line of the guest's kernel.
                    continue;
            }
        }
    }

    private uint Register(uint offset)
    {
        // "0000000009030400: 0x00000020"
        string answer = AskMonitor(string.Create(CultureInfo.InvariantCulture, $"xp /1wx 0x{ChipAddress + offset:x}"));
        string word = answer.Split(": 0x")[^1];
        return uint.Parse(word.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private string AskMonitor(string command)
    {
        _monitor.Send(System.Text.Encoding.ASCII.GetBytes(command + "\n"));
        return ReadMonitor();
    }

    /// <summary>Until its prompt.</summary>
    private string ReadMonitor()
    {
        System.Text.StringBuilder text = new();
        byte[] buffer = new byte[4096];
        do
        {
            int count = _monitor.Receive(buffer);
            text.Append(System.Text.Encoding.ASCII.GetString(buffer, 0, count));
            if (count == 0)
            {
                break;
            }
        }
        while (!text.ToString().EndsWith("(qemu) ", StringComparison.Ordinal));
        return text.ToString();
    }
}
