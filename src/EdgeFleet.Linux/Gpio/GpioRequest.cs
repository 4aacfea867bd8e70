using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>Takes one line from a chip; it is ours until its descriptor is closed.</summary>
internal static class GpioRequest
{
    /// <exception cref="IOException">There is no such chip or line, it is someone else's, or the kernel is older than 5.10.</exception>
    public static int Take(IGpioKernel kernel, GpioAddress address, ReadOnlySpan<byte> request)
    {
        int chip = kernel.Open(address.Path, out Errno error);
        if (chip < 0)
        {
            throw new IOException($"{address.Path}: {error.Describe()}{Hint(error)}", (int)error);
        }
        try
        {
            Span<byte> answer = stackalloc byte[GpioFormat.LineRequestSize];
            request.CopyTo(answer);
            error = kernel.Control(chip, GpioFormat.GetLine, answer);
            return error == Errno.None
                ? GpioFormat.ReadDescriptor(answer)
                : throw new IOException($"line {address}: {error.Describe()}{Hint(error)}", (int)error);
        }
        finally
        {
            // The line has a descriptor of its own.
            kernel.Close(chip);
        }
    }

    private static string Hint(Errno error) => error switch
    {
        Errno.Enoent => "; 'gpiodetect' lists the chips that there are",
        Errno.Eacces or Errno.Eperm => "; the user has to be in the chip's group, often 'gpio'",
        Errno.Ebusy => "; 'gpioinfo' says who holds it",
        Errno.Einval => "; the chip has no such line, or cannot do what is asked",
        Errno.Enotty => "; it is no GPIO chip, or the kernel is older than 5.10",
        _ => "",
    };
}
