using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace EdgeFleet.Linux.Processes;

/// <summary>Numbers of processors, as the kernel writes lists: <c>0-3,6</c>.</summary>
public sealed partial class ProcessorSet
{
    /// <summary>What sched_setaffinity(2) of the C library takes: 1024 bits.</summary>
    private const int Words = 16;

    private readonly int[] _numbers;

    private ProcessorSet(int[] numbers) => _numbers = numbers;

    public IReadOnlyList<int> Numbers => _numbers;

    public static ProcessorSet Of(params IEnumerable<int> numbers) => new([.. numbers.Distinct().Order()]);

    /// <exception cref="FormatException">The text is no list, or names a processor beyond 1023.</exception>
    public static ProcessorSet Parse(string text)
    {
        List<int> numbers = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2
                || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
                || last < first || last >= 64 * Words)
            {
                throw new FormatException($"processors '{text}': '{part}' is neither a number nor a range such as 0-3");
            }
            numbers.AddRange(Enumerable.Range(first, last - first + 1));
        }
        return Of(numbers);
    }

    /// <summary>The processors that the calling thread may use.</summary>
    public static unsafe ProcessorSet Allowed()
    {
        ulong* mask = stackalloc ulong[Words];
        return sched_getaffinity(0, Words * sizeof(ulong), mask) < 0
            ? throw Failed("sched_getaffinity")
            : Of(Enumerable.Range(0, 64 * Words).Where(number => (mask[number / 64] >> (number % 64) & 1) != 0));
    }

    /// <summary>Moves every thread of this process there; threads that are made later inherit it.</summary>
    /// <exception cref="IOException">None of the processors can be used.</exception>
    public unsafe void Apply()
    {
        const int ESRCH = 3;
        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        foreach (int number in _numbers)
        {
            mask[number / 64] |= 1UL << (number % 64);
        }
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            int thread = int.Parse(Path.GetFileName(task), NumberStyles.None, CultureInfo.InvariantCulture);
            if (sched_setaffinity(thread, Words * sizeof(ulong), mask) < 0 && Marshal.GetLastPInvokeError() != ESRCH)
            {
                throw Failed($"sched_setaffinity to processors {this}");
            }
        }
    }

    public override string ToString()
    {
        StringBuilder text = new();
        for (int i = 0; i < _numbers.Length; i++)
        {
            int first = i;
            while (i + 1 < _numbers.Length && _numbers[i + 1] == _numbers[i] + 1)
            {
                i++;
            }
            text.Append(text.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{_numbers[first]}");
            if (i > first)
            {
                text.Append(CultureInfo.InvariantCulture, $"-{_numbers[i]}");
            }
        }
        return text.ToString();
    }

    private static IOException Failed(string call)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int sched_getaffinity(int pid, nuint size, ulong* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int sched_setaffinity(int pid, nuint size, ulong* mask);
}
