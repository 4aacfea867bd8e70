using EdgeFleet.Cli.Terminal;
using EdgeFleet.Rollouts.Specs;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>
/// Puts a policy file into a rollout file, so that a controller gets one document with all that was decided. What is wrong is
/// said before, with the file, path and line that the person wrote: the controller sees only the one text.
/// </summary>
internal static class RolloutFile
{
    public static void Check(string rolloutYaml, string rolloutFile) => Explain(rolloutFile, () => SpecFile.ParseRollout(rolloutYaml));

    public static string WithPolicy(string rolloutYaml, string rolloutFile, string policyYaml, string policyFile)
    {
        Explain(policyFile, () => SpecFile.ParsePolicy(policyYaml));
        YamlMappingNode rollout = Root(rolloutYaml, rolloutFile);
        YamlMappingNode policy = Root(policyYaml, policyFile);
        if (Child(rollout, "spec") is not YamlMappingNode spec)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{rolloutFile}': spec is missing");
        }
        spec.Children[new YamlScalarNode("policySpec")] = Child(policy, "spec") ?? new YamlMappingNode();
        using StringWriter writer = new();
        new YamlStream(new YamlDocument(rollout)).Save(writer, assignAnchors: false);
        return writer.ToString();
    }

    private static void Explain(string file, Func<object> read)
    {
        try
        {
            _ = read();
        }
        catch (SpecException ex)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, string.Join('\n', ex.Errors.Select(error => $"'{file}', {error}")), ex);
        }
    }

    private static YamlNode? Child(YamlMappingNode map, string name) => map.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? node) ? node : null;

    private static YamlMappingNode Root(string yaml, string file)
    {
        try
        {
            YamlStream stream = [];
            stream.Load(new StringReader(yaml));
            return stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode map
                ? map
                : throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}': expected one YAML document with keys at its top");
        }
        catch (YamlException ex)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}', line {ex.Start.Line}: {ex.Message}", ex);
        }
    }
}
