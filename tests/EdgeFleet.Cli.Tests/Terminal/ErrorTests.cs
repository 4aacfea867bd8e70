using System.Text.Json.Nodes;
using EdgeFleet.Cli.Tests.Models;
using EdgeFleet.Testing;

namespace EdgeFleet.Cli.Tests.Terminal;

/// <summary>What a command says when it cannot do what was asked: to a person which file and line, to a program a document.</summary>
public sealed class ErrorTests : IDisposable
{
    private const string Policy = "apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: mine }\nspec:\n  alphaPromotion: ";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(3, "artifact", "verify", "nowhere", "--key", "/nowhere.pub")]
    [InlineData(2, "rollout", "list", "--nonsense")]
    public void With_json_an_error_is_a_document_on_standard_output_and_a_line_on_standard_error(int exitCode, params string[] arguments)
    {
        EdgefleetProcess failed = EdgefleetProcess.Run([.. arguments, "-o", "json"]);

        Assert.Equal(exitCode, failed.ExitCode);
        string message = JsonNode.Parse(failed.Output)!["error"]!.GetValue<string>();
        Assert.StartsWith($"error: {message.Split('\n')[0]}", failed.Errors, StringComparison.Ordinal);
        Assert.Equal("", EdgefleetProcess.Run(arguments).Output);
    }

    [Fact]
    public void What_is_wrong_with_a_policy_is_said_with_its_own_file_path_and_line()
    {
        string policy = _folder.Write("policy.yaml", Policy + "2\n");

        EdgefleetProcess refused = Apply(Rollout("install"), "-p", policy);

        Assert.Equal((2, $"error: '{policy}', line 5: spec.alphaPromotion: '2' is not allowed; expected a number from 0.0001 to 0.5\n"), (refused.ExitCode, refused.Errors));
    }

    [Fact]
    public void What_is_wrong_with_a_rollout_is_said_with_its_file()
    {
        string rollout = Rollout("instal");

        EdgefleetProcess refused = Apply(rollout);

        Assert.Equal(2, refused.ExitCode);
        Assert.StartsWith($"error: '{rollout}', line 7: spec.strategy: 'instal' is not allowed", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_the_wrong_kind_is_answered_with_the_kind_and_nothing_else()
    {
        string policy = _folder.Write("policy.yaml", Policy + "2\n");

        EdgefleetProcess refused = Apply(policy);

        Assert.Equal((2, $"error: '{policy}', line 1: kind: expected one document of kind Rollout, found Policy\n"), (refused.ExitCode, refused.Errors));
        Assert.Contains("kind: expected one document of kind Policy, found Rollout", Apply(Rollout("install"), "-p", Rollout("install")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_folder_that_cannot_be_read_is_told_from_one_that_is_empty()
    {
        Assert.Contains("does not exist: no controller has started", Run().Errors, StringComparison.Ordinal);
        // To a superuser nothing is forbidden; a folder in place of the file is, to everyone.
        Directory.CreateDirectory(_folder["endpoints.json"]);

        EdgefleetProcess denied = Run();

        Assert.Equal(3, denied.ExitCode);
        Assert.Contains("endpoints.json': permission denied for user", denied.Errors, StringComparison.Ordinal);

        EdgefleetProcess Run() => EdgefleetProcess.Run("device", "list", "--controller-data", _folder.Path);
    }

    private static EdgefleetProcess Apply(string file, params string[] more) =>
        EdgefleetProcess.Run(["rollout", "apply", "-f", file, .. more, "--dry-run", "--controller", "http://127.0.0.1:1", "--token-file", file]);

    private string Rollout(string strategy) => _folder.Write(
        "rollout.yaml",
        $"apiVersion: edgefleet.io/v1\nkind: Rollout\nmetadata: {{ name: r }}\nspec:\n  model: m\n  candidate: {new string('0', 64)}\n  strategy: {strategy}\n  stages: [ full ]\n");
}
