using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Windows;

namespace EdgeFleet.Benchmarks.Gpio;

/// <summary>
/// Our GPIO code against a real kernel and a chip: what it asks for, an arm64 kernel does on qemu's PL061, and the chip's
/// registers, read from outside of that machine, say the same.
/// </summary>
public static class GpioEvidence
{
    private const string Source = "EdgeFleet.Linux.Gpio over a serial line to the kernel of qemu-system-aarch64 -M virt; registers through qemu's monitor";
    private const uint OutputLine = 5;
    private const string ChipPath = "gpiochip0";

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using VirtualBoard board = await VirtualBoard.StartAsync(cancellationToken);
        Console.WriteLine($"   the guest runs {board.Kernel}");
        List<BenchFigure> figures = [.. Lines(board), .. Marks(board), .. Refusals(board), .. Button(board, cancellationToken)];
        Console.WriteLine($"   {board.Calls} system calls were made in it");
        return figures;
    }

    private static IEnumerable<BenchFigure> Lines(VirtualBoard board)
    {
        bool before = board.IsOutput(OutputLine);
        using GpioLine line = new(board, new GpioAddress(ChipPath, OutputLine));
        yield return Check("a requested output drives the line, high at once", !before && board.IsOutput(OutputLine) && board.Level(OutputLine) && Read(line));
        line.Set(high: false);
        yield return Check("set low: the chip is low, and so is what is read back", !board.Level(OutputLine) && !Read(line));
        line.Set(high: true);
        yield return Check("set high: the chip is high, and so is what is read back", board.Level(OutputLine) && Read(line));
        using GpioLine shared = new(board, line.Share());
        shared.Set(high: false);
        yield return Check("set low by a second holder of the shared line: the chip is low", !board.Level(OutputLine) && !Read(line));
    }

    private static IEnumerable<BenchFigure> Marks(VirtualBoard board)
    {
        using WindowMarker marker = new(new GpioLine(board, new GpioAddress(ChipPath, OutputLine)));
        marker.Begin();
        marker.End();
        yield return Check("a window's two marks were taken and the line is high again", marker is { Marks: 2, Fault: Errno.None } && board.Level(OutputLine));
    }

    /// <summary>The controls: a kernel that took anything would prove nothing.</summary>
    private static IEnumerable<BenchFigure> Refusals(VirtualBoard board)
    {
        using GpioLine held = new(board, new GpioAddress(ChipPath, OutputLine));
        yield return Check("a line that is held is refused (EBUSY)", Refused(() => new GpioLine(board, new GpioAddress(ChipPath, OutputLine)), Errno.Ebusy));
        yield return Check("a line that the chip does not have is refused (EINVAL)", Refused(() => new GpioLine(board, new GpioAddress(ChipPath, 8)), Errno.Einval));
        yield return Check("a chip that is not there is refused (ENOENT)", Refused(() => new GpioLine(board, new GpioAddress("gpiochip9", 0)), Errno.Enoent));
        byte[] request = new byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteOutputRequest(request, 6, "edgefleet");
        request[300] = 1;
        int chip = board.Open($"/dev/{ChipPath}", out _);
        yield return Check("one byte of padding set: the same request is refused (EINVAL)", board.Control(chip, GpioFormat.GetLine, request) == Errno.Einval);
        board.Close(chip);
    }

    private static IEnumerable<BenchFigure> Button(VirtualBoard board, CancellationToken cancellationToken)
    {
        byte[] request = new byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteButtonRequest(request, VirtualBoard.PowerButtonLine, "edgefleet", TimeSpan.FromMilliseconds(20));
        int chip = board.Open($"/dev/{ChipPath}", out _);
        board.Control(chip, GpioFormat.GetLine, request);
        int line = GpioFormat.ReadDescriptor(request);
        // The board's button is high while it is pressed, for 100 ms; one wired to ground, as ours is, looks the other way round.
        board.PressPowerButton();
        GpioEdge rose = ReadEdge(board, line), fell = ReadEdge(board, line);
        yield return Check("a press is two edges of the right line, the rising one first", rose is { IsRising: true, Line: VirtualBoard.PowerButtonLine } && fell is { IsRising: false, Line: VirtualBoard.PowerButtonLine });
        double milliseconds = (fell.TimestampNanoseconds - rose.TimestampNanoseconds) / 1e6;
        yield return new BenchFigure("how long the kernel says that it lasted", milliseconds, "ms", "50 to 500", milliseconds is >= 50 and <= 500, Source);
        board.Close(line);

        GpioFormat.WriteButtonRequest(request, VirtualBoard.PowerButtonLine, "edgefleet", TimeSpan.FromSeconds(1));
        board.Control(chip, GpioFormat.GetLine, request);
        line = GpioFormat.ReadDescriptor(request);
        board.PressPowerButton();
        yield return Check("with a debounce of a second the same press is a spike, and no edge", !board.WaitReadable(line, TimeSpan.FromSeconds(3), cancellationToken));
        board.Close(line);
        board.Close(chip);

        // After the press the line is low and stays so: to our button, which is pressed while the line is low, that is held.
        using GpioButton button = new(board, new GpioAddress(ChipPath, VirtualBoard.PowerButtonLine), TimeSpan.FromMilliseconds(20));
        board.PressPowerButton();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        bool pressed = true;
        try
        {
            button.WaitForPress(TimeSpan.FromSeconds(1), limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            pressed = false;
        }
        yield return Check("a line that falls and stays low for a second is a press", pressed);
    }

    private static GpioEdge ReadEdge(VirtualBoard board, int line)
    {
        if (!board.WaitReadable(line, TimeSpan.FromSeconds(10), CancellationToken.None))
        {
            throw new TimeoutException("the guest's kernel told no edge");
        }
        byte[] edge = new byte[GpioFormat.LineEventSize];
        Errno error = board.Read(line, edge, out int count);
        return error == Errno.None && count == edge.Length ? GpioFormat.ReadEdge(edge) : throw new IOException($"{count} bytes of an event: {error.Describe()}");
    }

    private static bool Read(GpioLine line) => line.Get(out bool high) == Errno.None && high;

    private static bool Refused(Func<GpioLine> take, Errno reason)
    {
        try
        {
            take().Dispose();
            return false;
        }
        catch (IOException ex)
        {
            return ex.HResult == (int)reason;
        }
    }

    private static BenchFigure Check(string what, bool holds) => new(what, holds ? 1 : 0, "", "1", holds, Source);
}
