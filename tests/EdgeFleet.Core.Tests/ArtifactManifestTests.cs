using System.Text;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Core.Tests;

public sealed class ArtifactManifestTests
{
    private static readonly ModelContract s_contract = new(
        [new TensorSpec("input", "FP32", [-1, 1, 28, 28])], [new TensorSpec("logits", "FP32", [-1, 10])]);

    private static ArtifactManifest Manifest(string path = "model.onnx", long size = 10) => new()
    {
        Model = "fashion",
        Version = "int8",
        Files = [new ArtifactFile(path, size, Digest.Of("content"u8), ArtifactRole.Model)],
        EntryPoint = path,
        Contract = s_contract,
    };

    [Fact]
    public void A_manifest_comes_back_from_its_bytes_with_the_same_bytes()
    {
        byte[] bytes = Manifest().ToBytes();
        Assert.Equal(bytes, ArtifactManifest.FromBytes(bytes).ToBytes());
    }

    [Theory]
    [InlineData("../model.onnx")]
    [InlineData("/etc/model.onnx")]
    [InlineData("a/../../model.onnx")]
    [InlineData("a//model.onnx")]
    [InlineData("a\\model.onnx")]
    [InlineData("c:model.onnx")]
    [InlineData("")]
    [InlineData("a/./b")]
    public void A_path_that_could_leave_its_folder_is_refused(string path) =>
        Assert.Contains("path", Refusal(Manifest(path)), StringComparison.Ordinal);

    [Fact]
    public void A_bundle_beyond_the_size_cap_is_refused_also_when_the_sum_would_overflow()
    {
        Assert.Contains("size", Refusal(Manifest(size: ArtifactManifest.MaximumTotalBytes + 1)), StringComparison.Ordinal);
        Assert.Contains("size", Refusal(Manifest(size: -1)), StringComparison.Ordinal);
        ArtifactManifest many = Manifest() with
        {
            Files = [.. Enumerable.Range(0, 3).Select(i => new ArtifactFile($"f{i}", long.MaxValue / 2, Digest.Of("x"u8), ArtifactRole.Model))],
            EntryPoint = "f0",
        };
        Assert.Contains("size", Refusal(many), StringComparison.Ordinal);
    }

    [Fact]
    public void An_entry_point_that_is_not_a_listed_model_is_refused() =>
        Assert.Contains("entryPoint", Refusal(Manifest() with { EntryPoint = "other.onnx" }), StringComparison.Ordinal);

    [Fact]
    public void The_same_file_twice_is_refused()
    {
        ArtifactManifest manifest = Manifest();
        Assert.Contains("twice", Refusal(manifest with { Files = [.. manifest.Files, .. manifest.Files] }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"model\":\"fashion\",\"unknown\":1}")]
    [InlineData("{\"model\":\"fashion\",\"model\":\"other\"}")]
    public void Documents_that_are_no_manifests_are_refused_with_a_sentence(string json) =>
        Assert.StartsWith("manifest:", Assert.Throws<FormatException>(() => ArtifactManifest.FromBytes(Encoding.UTF8.GetBytes(json))).Message, StringComparison.Ordinal);

    [Fact]
    public void The_first_difference_of_two_contracts_is_named()
    {
        ModelContract other = s_contract with { Outputs = [new TensorSpec("logits", "FP32", [-1, 11])] };
        Assert.Null(s_contract.FirstDifference(s_contract with { }));
        Assert.Equal("output 0: logits:FP32[-1,10] against logits:FP32[-1,11]", s_contract.FirstDifference(other));
        Assert.Contains("labels", s_contract.FirstDifference(s_contract with { Labels = Digest.Of("x"u8) }), StringComparison.Ordinal);
    }

    private static string Refusal(ArtifactManifest manifest) => Assert.Throws<FormatException>(() => ArtifactManifest.FromBytes(manifest.ToBytes())).Message;
}
