namespace EdgeFleet.Grpc.Tests;

/// <summary>Turns a hang into a failure. Nothing is asserted about time: the limit is far above what any test needs.</summary>
internal static class Soon
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    public static Task OrFail(this Task task) => task.WaitAsync(s_limit);

    public static Task<T> OrFail<T>(this Task<T> task) => task.WaitAsync(s_limit);
}
