using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>The kernel's side of a GPIO chip; a test puts a line behind it.</summary>
public interface IGpioKernel
{
    /// <returns>A descriptor of the chip, or below 0.</returns>
    int Open(string path, out Errno error);

    /// <summary>ioctl(2) with a struct that the kernel reads and writes.</summary>
    Errno Control(int descriptor, uint request, Span<byte> argument);

    /// <summary>read(2).</summary>
    Errno Read(int descriptor, Span<byte> buffer, out int count);

    /// <summary>
    /// Waits until there is something to read, as long as it takes or until the time is over. Blocks its thread.
    /// </summary>
    /// <param name="limit"><see cref="Timeout.InfiniteTimeSpan"/>: no limit.</param>
    /// <returns>Whether there is; false when the time is over.</returns>
    /// <exception cref="OperationCanceledException"/>
    bool WaitReadable(int descriptor, TimeSpan limit, CancellationToken cancellationToken);

    /// <summary>Another descriptor of the same line, which processes that are started from now on inherit under the same number.</summary>
    int Share(int descriptor, out Errno error);

    void Close(int descriptor);
}
