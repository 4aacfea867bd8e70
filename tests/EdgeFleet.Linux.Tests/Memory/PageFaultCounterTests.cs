using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Linux.Tests.Memory;

public sealed class PageFaultCounterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;

    public PageFaultCounterTests() => _files = new FaultySystemFiles(new KernelFiles(_folder.Path));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("12 (dotnet) S 1 12 12 0 -1 4194560 5000 77 3 9 100 20", 5000, 3)]
    [InlineData("12 (a ) S 1 (b) R 1 12 12 0 -1 4194560 18446744073 77 0 9 100 20", 18446744073, 0)]
    public void The_tenth_and_twelfth_field_are_counted_after_the_name_whatever_it_holds(string stat, long minor, long major)
    {
        _folder.Write("proc/12/stat", stat);
        using PageFaultCounter counter = new(_files, 12);

        Assert.Equal(Errno.None, counter.TryRead(out PageFaults faults));
        Assert.Equal(new PageFaults(minor, major), faults);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12 (dotnet) S 1 12 12 0 -1 4194560 5000 77")]
    [InlineData("12 (dotnet) S 1 12 12 0 -1 4194560 x 77 3 9")]
    [InlineData("12 dotnet S 1 12 12 0 -1 4194560 5000 77 3 9")]
    public void A_text_of_another_form_is_no_count(string stat)
    {
        _folder.Write("proc/12/stat", stat);
        using PageFaultCounter counter = new(_files, 12);

        Assert.Equal(Errno.Einval, counter.TryRead(out PageFaults faults));
        Assert.Equal(default, faults);
    }

    [Fact]
    public void A_process_that_is_gone_is_said_with_the_kernel_s_reason()
    {
        _folder.Write("proc/12/stat", "12 (dotnet) S 1 12 12 0 -1 4194560 5000 77 3 9");
        using PageFaultCounter counter = new(_files, 12);
        _files.Fail("/proc/12/stat", Errno.Esrch);

        Assert.Equal(Errno.Esrch, counter.TryRead(out _));
    }

    [Fact]
    public void Reading_this_process_s_faults_allocates_nothing_and_counts_what_is_touched()
    {
        using PageFaultCounter counter = new(KernelFiles.Host);
        Assert.Equal(Errno.None, counter.TryRead(out _));
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Errno first = counter.TryRead(out PageFaults before);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        nint memory = System.Runtime.InteropServices.Marshal.AllocHGlobal(4 << 20);
        unsafe
        {
            new Span<byte>((void*)memory, 4 << 20).Fill(1);
        }
        System.Runtime.InteropServices.Marshal.FreeHGlobal(memory);
        Errno second = counter.TryRead(out PageFaults after);

        Assert.Equal((Errno.None, Errno.None, 0), (first, second, allocated));
        // 4 MiB are 1,024 pages of 4 KiB, or two huge ones.
        Assert.True((after - before).Minor >= 2);
    }
}
