namespace EdgeFleet.Cli.Terminal;

/// <summary>The exit codes that scripts rely on.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    /// <summary>The question was answered and the answer is no: a suite failed, a rollout was stopped, devices remain.</summary>
    public const int VerdictIsNo = 1;
    public const int WrongUsage = 2;
    /// <summary>The world failed: no connection, no file, no permission.</summary>
    public const int WorldFailed = 3;
}
