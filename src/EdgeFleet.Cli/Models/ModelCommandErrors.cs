using EdgeFleet.Cli.Terminal;
using EdgeFleet.Compression.Runs;
using EdgeFleet.Inference;

namespace EdgeFleet.Cli.Models;

/// <summary>Turns what goes wrong with models into one sentence and an exit code, the same for each command.</summary>
internal static class ModelCommandErrors
{
    public static T Explain<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (CompressionException ex)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, ex.Message, ex);
        }
        catch (ModelLoadException ex)
        {
            // A file that the user named is no model that the runtime can load.
            throw new CommandFailedException(ExitCode.WrongUsage, ex.Message, ex);
        }
        catch (InferenceException ex)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, ex.Message, ex);
        }
    }

    /// <summary>A file that the command line names must be there before minutes of work begin.</summary>
    public static string Existing(FileInfo file, string what) => file.Exists
        ? file.FullName
        : throw new CommandFailedException(ExitCode.WorldFailed, $"{what} '{file.FullName}' does not exist");
}
