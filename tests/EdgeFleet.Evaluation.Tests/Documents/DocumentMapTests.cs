using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Evaluation.Tests.Documents;

public sealed class DocumentMapTests
{
    private const string Header = "apiVersion: edgefleet.io/v1\nkind: Suite\nmetadata: { name: a }\n";

    [Theory]
    [InlineData("", "expected one document")]
    [InlineData("[1, 2]", "expected one document")]
    [InlineData("a: [1", "not YAML")]
    [InlineData("a: 1\na: 2", "not YAML")]
    [InlineData("kind: Suite", "'apiVersion' is missing in the document")]
    [InlineData("apiVersion: v2\nkind: Suite", "f.yaml:1: apiVersion is 'v2'; expected edgefleet.io/v1")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Recipe", "f.yaml:2: kind is 'Recipe'; expected Suite")]
    [InlineData(Header + "spec: {}\n---\n" + Header + "spec: {}", "2 documents")]
    [InlineData(Header + "spec: {}\nextra: 1", "f.yaml:5: unknown key 'extra' in the document; allowed: apiVersion, kind, metadata, spec")]
    [InlineData(Header + "spec: 3", "f.yaml:4: spec is no mapping")]
    [InlineData(Header, "'spec' is missing")]
    [InlineData(Header + "spec: { [1, 2]: 3 }", "a key in spec is not a plain name")]
    public void What_is_no_document_of_the_kind_is_refused_with_its_place(string text, string expected)
    {
        DocumentException error = Assert.Throws<DocumentException>(() => DocumentMap.Parse(text, "f.yaml", "Suite"));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("f.yaml", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_may_also_be_json()
    {
        (string name, DocumentMap spec) = DocumentMap.Parse(
            """{"apiVersion": "edgefleet.io/v1", "kind": "Suite", "metadata": {"name": "a"}, "spec": {"n": 0.5}}""", "f.json", "Suite");

        Assert.Equal("a", name);
        Assert.Equal(0.5, spec.Number("n", 0, 0, 1));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Assert.Contains("'nowhere.yaml' does not exist", Assert.Throws<FileNotFoundException>(() => DocumentMap.Load("nowhere.yaml", "Suite")).Message, StringComparison.Ordinal);
}
