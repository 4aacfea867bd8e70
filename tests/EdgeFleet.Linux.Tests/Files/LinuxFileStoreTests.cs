using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.Files;

public sealed class LinuxFileStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LinuxFileStore _store = LinuxFileStore.Instance;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_not_there_is_absent_and_deleting_it_is_no_error()
    {
        Assert.False(_store.Exists(_folder["no"]));
        Assert.Null(_store.Read(_folder["no/such"]));
        Assert.Null(_store.Length(_folder["no"]));
        Assert.Null(_store.ReadLink(_folder["no"]));
        Assert.Empty(_store.List(_folder["no"]));
        _store.Delete(_folder["no/such"]);
        _store.DeleteDirectory(_folder["no"]);
    }

    [Fact]
    public void Errors_name_the_call_the_path_and_the_reason()
    {
        IOException error = Assert.Throws<IOException>(() => _store.Rename(_folder["no"], _folder["to"]));
        Assert.Contains("rename", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder["no"], error.Message, StringComparison.Ordinal);
        Assert.Contains("No such file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hard_link_that_is_there_already_is_left_alone()
    {
        _folder.Write("one", "1");
        _folder.Write("two", "2");
        _store.HardLink(_folder["one"], _folder["three"]);
        _store.HardLink(_folder["one"], _folder["two"]);

        Assert.Equal("1", File.ReadAllText(_folder["three"]));
        Assert.Equal("2", File.ReadAllText(_folder["two"]));
    }

    [Fact]
    public void A_file_is_written_and_read_at_offsets()
    {
        using IStoredFile file = _store.Open(_folder["f"], DurableFile.PublicMode);
        file.Write([1, 2, 3, 4], 0);
        file.Write([9], 2);
        file.SetLength(3);
        file.Flush();

        byte[] read = new byte[8];
        Assert.Equal(2, file.Read(read, 1));
        Assert.Equal([2, 9], read[..2]);
        Assert.Equal(3, file.Length);
    }

    [Fact]
    public void A_dangling_link_counts_as_there()
    {
        _store.SymbolicLink("nowhere", _folder["link"]);
        Assert.True(_store.Exists(_folder["link"]));
        _store.Delete(_folder["link"]);
        Assert.False(_store.Exists(_folder["link"]));
    }
}
