namespace EdgeFleet.Controller.Api;

/// <summary>Waiting for news for a while.</summary>
internal static class LongPoll
{
    public static async Task WaitAsync(Task news, TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(news, Task.Delay(atMost, time, done.Token));
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }
}
