using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.Files;

public sealed class FileLeaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Only_one_holder_at_a_time()
    {
        string path = _folder["bench.lease"];
        using (FileLease? first = FileLease.TryAcquire(path))
        {
            Assert.NotNull(first);
            Assert.Null(FileLease.TryAcquire(path));
        }
        using FileLease? next = FileLease.TryAcquire(path);
        Assert.NotNull(next);
    }

    [Fact]
    public async Task A_waiter_is_told_once_and_gets_it_when_the_holder_lets_go()
    {
        string path = _folder["bench.lease"];
        FileLease holder = FileLease.TryAcquire(path)!;
        TaskCompletionSource waiting = new();
        Task<FileLease> waiter = FileLease.AcquireAsync(path, TimeProvider.System, waiting.SetResult, CancellationToken.None);
        await waiting.Task;
        Assert.False(waiter.IsCompleted);

        holder.Dispose();

        using FileLease lease = await waiter;
        Assert.Null(FileLease.TryAcquire(path));
    }

    [Fact]
    public async Task Waiting_can_be_cancelled()
    {
        string path = _folder["bench.lease"];
        using FileLease? holder = FileLease.TryAcquire(path);
        using CancellationTokenSource cancel = new();
        Task<FileLease> waiter = FileLease.AcquireAsync(path, TimeProvider.System, cancel.Cancel, cancel.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
    }
}
