namespace EdgeFleet.Cli.Terminal;

/// <summary>Ends a command with one sentence for a person and an exit code for a script.</summary>
internal sealed class CommandFailedException : Exception
{
    public CommandFailedException(int exitCode, string message, Exception? innerException = null) : base(message, innerException) => ExitCode = exitCode;

    public int ExitCode { get; }
}
