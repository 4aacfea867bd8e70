using EdgeFleet.Compression.Passes;
using EdgeFleet.Compression.Recipes;
using EdgeFleet.Evaluation.Documents;
using EdgeFleet.Testing;

namespace EdgeFleet.Compression.Tests.Recipes;

public sealed class RecipeTests
{
    [Fact]
    public void The_digest_is_of_the_meaning_with_defaults_filled_in()
    {
        Recipe brief = Compressor.Recipe("passes: [{ pass: quantize-static }]");
        Recipe written = Compressor.Recipe(
            """
            # the same, written out
            target: any
            seed: 0
            calibration: { rows: 256, split: calibration }
            passes:
              - activations: auto
                pass: quantize-static
                granularity: channel
            """);

        Assert.Equal(brief.Digest(), written.Digest());
        Assert.NotEqual(brief.Digest(), Compressor.Recipe("target: arm64\npasses: [{ pass: quantize-static }]").Digest());
        Assert.NotEqual(brief.Digest(), Compressor.Recipe("passes: [{ pass: quantize-static, granularity: tensor }]").Digest());
        Assert.NotEqual(brief.Digest(), Compressor.Recipe("passes: [{ pass: fold-batchnorm }, { pass: quantize-static }]").Digest());
    }

    [Theory]
    [InlineData("passes: [{ pass: quantise-static }]", "recipe.yaml:5: pass is 'quantise-static'; expected fake-quantize-weights or fold-batchnorm or quantize-static")]
    [InlineData("passes: [{ pass: fake-quantize-weights, bit: 3 }]", "recipe.yaml:5: unknown key 'bit' in an item of passes; allowed: pass, bits, granularity, exclude")]
    [InlineData("passes: [{ pass: fake-quantize-weights, bits: 9 }]", "bits is '9'; expected a whole number from 2 to 8")]
    [InlineData("passes: [{ pass: fake-quantize-weights, bits: 2.5 }]", "bits is '2.5'")]
    [InlineData("passes: [{ pass: quantize-static, granularity: row }]", "granularity is 'row'; expected channel or tensor")]
    [InlineData("passes: [{ pass: quantize-static, exclude: all }]", "exclude is no list")]
    [InlineData("passes: []", "passes is empty; there are: fake-quantize-weights, fold-batchnorm, quantize-static")]
    [InlineData("passes: fold-batchnorm", "passes is no list")]
    [InlineData("passes: [fold-batchnorm]", "an item of passes is no mapping")]
    [InlineData("seed: 1", "'passes' is missing in spec")]
    [InlineData("target: riscv\npasses: [{ pass: fold-batchnorm }]", "target is 'riscv'; expected any or x64-vnni or x64-avx2 or arm64")]
    [InlineData("calibration: { row: 3 }\npasses: [{ pass: fold-batchnorm }]", "unknown key 'row' in calibration; allowed: split, rows")]
    public void A_recipe_is_read_strictly(string spec, string expected) =>
        Assert.Contains(expected, Assert.Throws<DocumentException>(() => Compressor.Recipe(spec)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_pass_has_an_id_a_summary_and_defaults_that_it_accepts()
    {
        Assert.Equal(["fake-quantize-weights", "fold-batchnorm", "quantize-static"], PassCatalog.Ids);
        Assert.All(PassCatalog.All, pass =>
        {
            Assert.NotEmpty(pass.Summary);
            string written = string.Join(", ", pass.Parameters.Where(p => p.Default.Length > 0).Select(p => $"{p.Name}: {p.Default}").Prepend($"pass: {pass.Id}"));
            Assert.Equal(
                Compressor.Recipe($"passes: [{{ pass: {pass.Id} }}]").Digest(), Compressor.Recipe($"passes: [{{ {written} }}]").Digest());
        });
    }

    [Fact]
    public void Every_recipe_in_the_repository_can_be_read()
    {
        string[] files = [.. Directory.EnumerateFiles(Checkout.File("fleet"), "*.yaml", SearchOption.AllDirectories).Where(file => File.ReadLines(file).Contains("kind: Recipe"))];

        Assert.True(files.Length >= 4);
        Assert.All(files, file => Assert.NotEmpty(Recipe.Load(file).Steps));
    }
}
