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

    /// <summary>What takes minutes to make must have a place to go to; nothing is made there before.</summary>
    public static string Writable(string folder)
    {
        string place = folder;
        while (!Path.Exists(place))
        {
            place = Path.GetDirectoryName(place)!;
        }
        try
        {
            using FileStream probe = new(
                Path.Join(place, $".edgefleet-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return folder;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"--out: '{place}' cannot be written to: {ex.Message}", ex);
        }
    }

    /// <summary>A file that the command line names must be there before minutes of work begin.</summary>
    public static string Existing(FileInfo file, string what) => file.Exists
        ? file.FullName
        : throw new CommandFailedException(ExitCode.WorldFailed, $"{what} '{file.FullName}' does not exist");
}
