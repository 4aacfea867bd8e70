using EdgeFleet.Core;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>Reads <c>kind: Rollout</c>.</summary>
internal static class RolloutReader
{
    private const int DefaultBenchDevices = 1;
    private const int DefaultShadowDevices = 30;
    private const double DefaultCanaryPercent = 5;
    private const double DefaultRampPercent = 10;
    private const int MaximumApprovals = 10;
    private const int MaximumDevices = 1_000_000;

    public static RolloutSpec Read(MapReader document)
    {
        string name = PolicyReader.ReadName(document);
        MapReader spec = document.Map("spec", required: true) ?? document.MapOrEmpty("spec");
        RolloutSpec rollout = ReadBody(spec, name);
        document.Done();
        return rollout;
    }

    private static RolloutSpec ReadBody(MapReader spec, string name)
    {
        string model = spec.Text("model", "", required: true, text => Identifier.IsValid(text) ? null : $"'{text}' is not a model name; expected {Identifier.Rule}");
        string candidate = spec.Text("candidate", "", required: true, text =>
            Digest.TryParse(text, out _) ? null : $"'{text}' is not a digest; expected sha256: and 64 lower-case hexadecimal digits");
        RolloutSpec rollout = new()
        {
            Name = name,
            Model = model,
            Candidate = Digest.TryParse(candidate, out Digest digest) ? digest : default,
            Strategy = spec.Choice("strategy", RolloutStrategy.Staged),
            Compare = spec.Choice("compare", CompareMode.Equivalence),
            Selector = spec.Text("selector", "", complaint: SelectorComplaint),
            Stratify = spec.Text("stratify", RolloutSpec.DefaultStratify, complaint: StratifyComplaint),
            Policy = spec.Text("policy", PolicySpec.DefaultName, complaint: text => Identifier.IsValid(text) ? null : $"'{text}' is not a policy name; expected {Identifier.Rule}"),
            PolicySpec = spec.Map("policySpec") is { } policy ? PolicyReader.ReadBody(policy, name) : null,
            Attempt = spec.Int("attempt", 1, 1, 1_000_000),
            CompletionPercent = spec.Number("completionPercent", 100, 1, 100),
            Stages = [],
        };
        rollout = rollout with { Stages = ReadStages(spec, rollout) };
        spec.Done();
        return rollout;
    }

    private static IReadOnlyList<StageSpec> ReadStages(MapReader spec, RolloutSpec rollout)
    {
        if (spec.Sequence("stages") is not { } nodes)
        {
            return Defaults(rollout);
        }
        int before = spec.ErrorCount;
        List<StageSpec> stages = [];
        for (int i = 0; i < nodes.Count; i++)
        {
            if (ReadStage(spec, nodes[i], i) is { } stage)
            {
                stages.Add(stage);
            }
        }
        if (spec.ErrorCount == before && StageRules.Complaint(stages, rollout) is { } wrong)
        {
            spec.Error("stages", wrong);
        }
        return stages;
    }

    private static StageSpec? ReadStage(MapReader spec, YamlNode node, int index)
    {
        string path = $"stages[{index}]";
        // "- full" is short for "- full: {}".
        YamlMappingNode? map = node switch
        {
            YamlMappingNode mapping => mapping,
            YamlScalarNode { Value: { Length: > 0 } bare } => new YamlMappingNode { { bare, new YamlMappingNode() } },
            _ => null,
        };
        MapReader? reader = map is null ? null : spec.Inner(map, path);
        if (reader?.Single() is not { } single || Array.IndexOf(StageRules.Names, single) is var found && found < 0)
        {
            spec.ErrorAt(path, node, $"'{MapReader.Printable(node.ToString())}' is not a stage; expected a mapping with one of {string.Join(", ", StageRules.Names)}");
            return null;
        }

        StageKind kind = (StageKind)found;
        MapReader body = reader.MapOrEmpty(single);
        StageSpec stage = ReadApproval(new StageSpec { Kind = kind }, body);
        if (kind is StageKind.Bench or StageKind.Canary or StageKind.Ramp)
        {
            stage = stage with { Selector = body.Text("selector", "", complaint: SelectorComplaint) };
        }
        stage = kind switch
        {
            StageKind.Bench => ReadBench(stage, body),
            StageKind.Shadow => stage with { Devices = body.Int("devices", DefaultShadowDevices, 1, MaximumDevices) },
            StageKind.Canary => ReadCanary(stage, body),
            StageKind.Ramp => ReadRamp(stage, body),
            _ => stage,
        };
        body.Done();
        return stage;
    }

    // true, a role, or both role and count.
    private static StageSpec ReadApproval(StageSpec stage, MapReader body)
    {
        YamlNode? node = body.Any("approval", "boolean|string|object", false);
        MapReader asked = body.Inner(node as YamlMappingNode ?? new YamlMappingNode(), "approval");
        string role = asked.Text("role", "", complaint: RoleComplaint);
        int count = asked.Int("count", 1, 1, MaximumApprovals);
        asked.Done();
        switch (node)
        {
            case null:
                return stage;
            case YamlMappingNode:
                return stage with { Approval = true, ApprovalRole = role.Length > 0 ? role : null, ApprovalCount = count };
            case YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } flag:
                return stage with { Approval = flag.Value == "true" };
            case YamlScalarNode { Value: { Length: > 0 } name } when Identifier.IsValid(name):
                return stage with { Approval = true, ApprovalRole = name };
            default:
                body.ErrorAt("approval", node, $"'{MapReader.Printable(node.ToString())}' is not allowed; expected true, false, a role, or {{role: …, count: …}}");
                return stage;
        }
    }

    private static string? RoleComplaint(string text) => Identifier.IsValid(text) ? null : $"'{text}' is not a role; expected {Identifier.Rule}";

    private static string? SelectorComplaint(string text) => Selector.TryParse(text, out _, out string? wrong) ? null : wrong;

    private static string? StratifyComplaint(string text)
    {
        try
        {
            return text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/') && SelectorName.Of(text) is not null
                ? null
                : $"'{text}' is not the name of a label; expected one as a selector has it, or an empty text for none";
        }
        catch (FormatException ex)
        {
            return ex.Message;
        }
    }

    // A selector without a number means every device that matches it.
    private static bool IsSizedBySelector(StageSpec stage, MapReader body) =>
        stage.Selector.Length > 0 && !body.Has("devices") && !body.Has("percent");

    private static StageSpec ReadBench(StageSpec stage, MapReader body)
    {
        int devices = body.Int("devices", DefaultBenchDevices, 1, MaximumDevices);
        return IsSizedBySelector(stage, body) ? stage : stage with { Devices = devices };
    }

    private static StageSpec ReadRamp(StageSpec stage, MapReader body)
    {
        double percent = body.Number("percent", DefaultRampPercent, 0.01, 100);
        return IsSizedBySelector(stage, body) ? stage : stage with { Percent = percent };
    }

    private static StageSpec ReadCanary(StageSpec stage, MapReader body)
    {
        int? devices = body.OptionalInt("devices", 1, MaximumDevices);
        double percent = body.Number("percent", DefaultCanaryPercent, 0.01, 100);
        double? requests = body.OptionalNumber("requests", 0.1, 50);

        // Said both: the larger. Said nothing: the default share; every device where each gives up only a share of its requests.
        // One device at least, whatever the share.
        return stage with
        {
            Devices = devices,
            Requests = requests,
            Percent = body.Has("percent") || (devices is null && requests is null && !IsSizedBySelector(stage, body)) ? percent : null,
        };
    }

    private static IReadOnlyList<StageSpec> Defaults(RolloutSpec rollout)
    {
        StageSpec canary = new() { Kind = StageKind.Canary, Percent = DefaultCanaryPercent, Approval = rollout.Compare == CompareMode.Improvement && rollout.Strategy == RolloutStrategy.Staged };
        StageSpec full = new() { Kind = StageKind.Full };
        return rollout.Strategy == RolloutStrategy.Install
            ? [canary, full]
            :
            [
                new StageSpec { Kind = StageKind.Bench, Devices = DefaultBenchDevices },
                new StageSpec { Kind = StageKind.Shadow, Devices = DefaultShadowDevices },
                canary,
                new StageSpec { Kind = StageKind.Ramp, Percent = DefaultRampPercent },
                new StageSpec { Kind = StageKind.Ramp, Percent = 50 },
                full,
            ];
    }
}
