using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// The rollouts and policies of one file: YAML documents divided by <c>---</c>, or JSON. A policy that stands in the
/// same file is put in place of its name.
/// </summary>
public sealed class SpecFile
{
    public const string ApiVersion = "edgefleet.io/v1";
    public const int MaximumCharacters = 256 * 1024;
    private const int MaximumDepth = 32;

    private SpecFile(IReadOnlyList<RolloutSpec> rollouts, IReadOnlyList<PolicySpec> policies)
    {
        Rollouts = rollouts;
        Policies = policies;
    }

    public IReadOnlyList<RolloutSpec> Rollouts { get; }

    public IReadOnlyList<PolicySpec> Policies { get; }

    /// <summary>Reads a file; throws with every error in it.</summary>
    /// <exception cref="SpecException">The text cannot be used.</exception>
    public static SpecFile Parse(string text)
    {
        SpecReaderLog log = new();
        SpecFile file = Parse(text, log);
        return log.Errors.Count == 0 ? file : throw new SpecException(log.Errors);
    }

    /// <summary>Reads a file that must hold exactly one rollout.</summary>
    /// <exception cref="SpecException">The text cannot be used.</exception>
    public static RolloutSpec ParseRollout(string text)
    {
        SpecFile file = ParseKind(text, "Rollout", other => other.Policies.Count > 0 && other.Rollouts.Count == 0);
        return file.Rollouts.Count == 1
            ? file.Rollouts[0]
            : throw new SpecException([new SpecError("", 1, 1, $"expected one document of kind Rollout, found {file.Rollouts.Count}")]);
    }

    /// <summary>Reads a file that must hold exactly one policy.</summary>
    /// <exception cref="SpecException">The text cannot be used.</exception>
    public static PolicySpec ParsePolicy(string text)
    {
        SpecFile file = ParseKind(text, "Policy", other => other.Rollouts.Count > 0 && other.Policies.Count == 0);
        return file.Policies.Count == 1
            ? file.Policies[0]
            : throw new SpecException([new SpecError("", 1, 1, $"expected one document of kind Policy, found {file.Policies.Count}")]);
    }

    /// <summary>Where the file is of the other kind, that is all that is said: its other errors are those of a file nobody meant.</summary>
    private static SpecFile ParseKind(string text, string kind, Func<SpecFile, bool> isOther)
    {
        SpecReaderLog log = new();
        SpecFile file = Parse(text, log);
        return isOther(file)
            ? throw new SpecException([new SpecError("kind", 1, 1, $"expected one document of kind {kind}, found {(kind == "Policy" ? "Rollout" : "Policy")}")])
            : log.Errors.Count == 0 ? file : throw new SpecException(log.Errors);
    }

    internal static SpecFile Parse(string text, SpecReaderLog log)
    {
        List<RolloutSpec> rollouts = [];
        List<PolicySpec> policies = [];
        foreach (YamlMappingNode document in Documents(text, log))
        {
            MapReader reader = new(document, "", log);
            reader.Constant("apiVersion", ApiVersion);
            switch (reader.Text("kind", "", required: true))
            {
                case "Rollout":
                    rollouts.Add(RolloutReader.Read(reader));
                    break;
                case "Policy":
                    policies.Add(PolicyReader.Read(reader));
                    break;
                case "":
                    break;
                case var kind:
                    reader.Error("kind", $"'{kind}' is not allowed; expected Rollout or Policy");
                    break;
            }
        }
        return new SpecFile([.. rollouts.Select(rollout => InPlace(rollout, policies))], policies);
    }

    private static RolloutSpec InPlace(RolloutSpec rollout, List<PolicySpec> policies) =>
        rollout.PolicySpec is null && policies.Find(policy => policy.Name == rollout.Policy) is { } beside
            ? rollout with { PolicySpec = beside }
            : rollout;

    private static List<YamlMappingNode> Documents(string text, SpecReaderLog log)
    {
        if (text.Length > MaximumCharacters)
        {
            log.Add(new SpecError("", 1, 1, $"the file has {text.Length} characters; at most {MaximumCharacters} are read"));
            return [];
        }
        YamlStream stream = [];
        try
        {
            using StringReader reader = new(text);
            stream.Load(new ShallowParser(new Parser(reader), MaximumDepth));
        }
        catch (YamlException ex)
        {
            log.Add(new SpecError("", ex.Start.Line, ex.Start.Column, $"not readable as YAML: {ex.Message}"));
            return [];
        }
        List<YamlMappingNode> documents = [];
        foreach (YamlDocument document in stream.Documents)
        {
            if (document.RootNode is YamlMappingNode map)
            {
                documents.Add(map);
            }
            else if (document.RootNode is not YamlScalarNode { Value: null or "" })
            {
                log.Add(new SpecError("", document.RootNode.Start.Line, document.RootNode.Start.Column, "expected a mapping with apiVersion, kind, metadata and spec"));
            }
        }
        if (documents.Count == 0 && log.Errors.Count == 0)
        {
            log.Add(new SpecError("", 1, 1, "the file is empty; expected apiVersion, kind, metadata and spec"));
        }
        return documents;
    }
}
