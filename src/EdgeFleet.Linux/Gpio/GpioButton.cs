using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>A button between a line and ground. The kernel debounces it; a press counts when it has been held.</summary>
public sealed class GpioButton : IDisposable
{
    private readonly IGpioKernel _kernel;
    private readonly GpioAddress _address;
    private readonly int _descriptor;
    private bool _disposed;

    /// <param name="kernel">Where the chip is.</param>
    /// <param name="address">The line.</param>
    /// <param name="debounce">Contacts bounce for some milliseconds; 20 ms is more than most.</param>
    /// <param name="consumer">Who holds it, for <c>gpioinfo</c>.</param>
    /// <exception cref="IOException">The line cannot be had; the message says why and what to do.</exception>
    public GpioButton(IGpioKernel kernel, GpioAddress address, TimeSpan debounce, string consumer = "edgefleet")
    {
        Span<byte> request = stackalloc byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteButtonRequest(request, address.Line, consumer, debounce);
        (_kernel, _address) = (kernel, address);
        _descriptor = GpioRequest.Take(kernel, address, request);
    }

    /// <summary>
    /// Blocks its thread until the line has fallen and stayed low for so long. A button that is held already when this is
    /// called is not pressed: it has to be let go first.
    /// </summary>
    /// <exception cref="IOException">The chip is gone.</exception>
    /// <exception cref="OperationCanceledException"/>
    public void WaitForPress(TimeSpan held, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (true)
        {
            _kernel.WaitReadable(_descriptor, Timeout.InfiniteTimeSpan, cancellationToken);
            GpioEdge fell = ReadEdge();
            while (!fell.IsRising)
            {
                if (!_kernel.WaitReadable(_descriptor, held, cancellationToken))
                {
                    return;
                }
                GpioEdge next = ReadEdge();
                // On a busy device this thread may come late, and finds press and release at once: the kernel's clock decides.
                if (next.IsRising && next.TimestampNanoseconds - fell.TimestampNanoseconds >= held.Ticks * 100)
                {
                    return;
                }
                fell = next;
            }
        }
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _kernel.Close(_descriptor);
        }
    }

    private GpioEdge ReadEdge()
    {
        Span<byte> bytes = stackalloc byte[GpioFormat.LineEventSize];
        Errno error = _kernel.Read(_descriptor, bytes, out int count);
        return error == Errno.None && count == GpioFormat.LineEventSize
            ? GpioFormat.ReadEdge(bytes)
            : throw new IOException($"line {_address}: {(error == Errno.None ? $"an event of {count} bytes" : error.Describe())}", (int)error);
    }
}
