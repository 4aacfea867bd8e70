using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Specs;

public sealed class SelectorTests
{
    private static readonly Dictionary<string, string> s_device = new()
    {
        ["site"] = "lab", ["board"] = "x64", ["hardwareClass"] = "x64-8g-default-onnxruntime-1.29.0-cpu-1t", ["note"] = "a b",
        ["memoryMiB"] = "8192", ["threads"] = "2", ["agentVersion"] = "0.10.2+abc", ["frozen"] = "yes", ["thawed"] = "false", ["floor"] = "-1", ["label.board"] = "mine",
    };

    [Theory]
    [InlineData("", true)]
    [InlineData("   ", true)]
    [InlineData("site == \"lab\"", true)]
    [InlineData("site == lab", true)]
    [InlineData("site == 'hall'", false)]
    [InlineData("site != hall", true)]
    [InlineData("site in (hall, \"lab\")", true)]
    [InlineData("site not in (hall, lab)", false)]
    [InlineData("note == \"a b\"", true)]
    [InlineData("site == lab and board == x64", true)]
    [InlineData("site == lab and not board == x64", false)]
    [InlineData("not not site == lab", true)]
    [InlineData("site == hall or board == x64", true)]
    [InlineData("site == hall and board == x64 or site == lab", true)]
    [InlineData("site == hall and (board == x64 or site == lab)", false)]
    [InlineData("absent == x", false)]
    [InlineData("absent != x", true)]
    [InlineData("absent not in (x)", true)]
    [InlineData("not absent == x", true)]
    [InlineData("hardwareClass == x64-8g-default-onnxruntime-1.29.0-cpu-1t", true)]
    [InlineData("class == x64-8g-default-onnxruntime-1.29.0-cpu-1t and site in (\"lab\",\"hall\") and not label.frozen", false)]
    [InlineData("label.frozen", true)]
    [InlineData("label.thawed", false)]
    [InlineData("not label.absent", true)]
    [InlineData("label.site == lab", true)]
    [InlineData("label.board == mine and board == x64", true)]
    [InlineData("memoryMiB >= 8192", true)]
    [InlineData("memoryMiB > 8192", false)]
    [InlineData("memoryMiB<9000", true)]
    [InlineData("memoryMiB == 8192.0", true)]
    [InlineData("threads in (1, 2)", true)]
    [InlineData("threads != 2", false)]
    [InlineData("agentVersion >= 0.9", true)]
    [InlineData("agentVersion < 0.10.10", true)]
    [InlineData("agentVersion == 0.10.2", true)]
    [InlineData("floor < 0", true)]
    [InlineData("floor <= -1", true)]
    [InlineData("site > 0", false)]
    [InlineData("not site > 0", true)]
    [InlineData("absent < 5", false)]
    public void It_matches_labels_and_facts(string text, bool expected)
    {
        Assert.Equal(expected, Selector.Parse(text).Matches(s_device));
    }

    [Theory]
    [InlineData("site", "position 5: expected ==, !=, <, <=, >, >=, in or not in after 'site', found the end")]
    [InlineData("site = lab", "position 6: expected ==, !=, <, <=, >, >=, in or not in after 'site', found '= lab'")]
    [InlineData("site ==", "position 8: expected a value, found the end")]
    [InlineData("== lab", "position 1: expected a label or fact name, found '== lab'")]
    [InlineData("site in lab", "position 9: expected '(', found 'lab'")]
    [InlineData("site in (lab", "position 13: expected ')', found the end")]
    [InlineData("site in ()", "position 10: expected a value, found ')'")]
    [InlineData("(site == lab", "position 13: expected ')', found the end")]
    [InlineData("site == lab board == x", "position 13: expected 'and', 'or' or the end, found 'board == x'")]
    [InlineData("site == \"lab", "position 9: the text that begins with \" has no end")]
    [InlineData("and == lab", "position 1: expected a label or fact name, found 'and == lab'")]
    [InlineData("label.site not", "position 15: expected ==, !=, <, <=, >, >=, in or not in after 'label.site', found the end")]
    [InlineData("board < 3", "board < 3: board is text and has no order")]
    [InlineData("memoryMiB > much", "memoryMiB > 'much': expected a number")]
    [InlineData("threads == two", "threads == 'two': expected a number")]
    [InlineData("agentVersion >= new", "agentVersion >= 'new': expected a version such as 1.4.0")]
    [InlineData("hardwareclass == x", "'hardwareclass': the fact is called hardwareClass; a label of that name is label.hardwareclass")]
    [InlineData("MemoryMib > 1", "'MemoryMib': the fact is called memoryMiB; a label of that name is label.MemoryMib")]
    public void What_cannot_be_read_is_named_with_its_place(string text, string expected)
    {
        Assert.False(Selector.TryParse(text, out _, out string? wrong));
        Assert.Equal(expected, wrong);
    }

    [Fact]
    public void Endless_nesting_is_refused()
    {
        Assert.False(Selector.TryParse(new string('(', 100) + "a == b", out _, out string? wrong));
        Assert.Contains("nested deeper", wrong, StringComparison.Ordinal);
        Assert.False(Selector.TryParse(string.Join(" and ", Enumerable.Repeat("a == b", 1000)), out _, out wrong));
        Assert.Contains("characters", wrong, StringComparison.Ordinal);
    }
}
