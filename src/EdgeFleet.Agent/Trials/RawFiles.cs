using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Agent.Trials;

/// <summary>Raw samples of benchmarks on the device: a report names them, and only somebody who looks into it fetches them.</summary>
internal static class RawFiles
{
    private const int Kept = 4;

    /// <summary>Writes the samples and forgets the oldest. A disk without room costs the samples and not the evidence.</summary>
    public static BenchEvidence Keep(BenchOutcome outcome, string path)
    {
        try
        {
            BenchEvidence evidence = outcome.Evidence with { Raw = outcome.Raw.Save(path) };
            foreach (FileInfo old in new DirectoryInfo(Path.GetDirectoryName(path)!).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc).Skip(Kept))
            {
                old.Delete();
            }
            return evidence;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(path))
            {
                File.Delete(path); // half of the samples would be read as all of them
            }
            return outcome.Evidence with { Warnings = [.. outcome.Evidence.Warnings, $"the raw samples were not kept: {ex.Message}"] };
        }
    }
}
