using EdgeFleet.Evaluation.Datasets;
using EdgeFleet.Evaluation.Documents;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;

namespace EdgeFleet.Evaluation.Tests.Datasets;

public sealed class DatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void Rows_of_an_idx_file_come_out_preprocessed(bool gzipped)
    {
        byte[] images = DataFiles.Idx([3, 1, 2], [0, 255, 51, 102, 10, 20]);
        _folder.Write("images", gzipped ? DataFiles.Gzip(images) : images);
        _folder.Write("labels", DataFiles.Idx([3], [1, 0, 1]));

        DatasetSplit split = Load(Idx("preprocessing: { scale: 1/255, mean: 0.2, std: 0.4, shape: [2] }")).Read("test");

        Assert.Equal([2], split.RowShape);
        Assert.Equal([1, 0, 1], split.Labels);
        Assert.Equal([(0.2f - 0.2f) / 0.4f, (0.4f - 0.2f) / 0.4f], Row(split, 1), Close);
    }

    [Fact]
    public void Rows_of_an_npz_file_come_out_as_they_are()
    {
        _folder.Write("data.npz", DataFiles.Npz(
            ("x", DataFiles.Npy<float>("<f4", [2, 1, 3], [1, 2, 3, 4, 5, 6])),
            ("y", DataFiles.Npy<long>("<i8", [2], [0, 7]))));

        DatasetSplit split = Load(Npz()).Read("test");

        Assert.Equal([1, 3], split.RowShape);
        Assert.Equal([4f, 5f, 6f], Row(split, 1));
        Assert.Equal([0, 7], split.Labels);
    }

    [Fact]
    public void A_split_takes_its_rows_and_no_others()
    {
        _folder.Write("images", DataFiles.Idx([6, 1], [0, 1, 2, 3, 4, 5]));
        _folder.Write("labels", DataFiles.Idx([6], [0, 1, 2, 3, 4, 5]));

        DatasetSplit split = Load(Idx("", "{ source: all, first: 1, count: 2, every: 3 }")).Read("test");

        Assert.Equal([1, 4], split.Labels);
        Assert.Equal([4f], Row(split, 1));
    }

    [Fact]
    public void Channels_move_and_have_a_mean_each()
    {
        // Two pixels with three channels each: (1,2,3) and (4,5,6).
        _folder.Write("images", DataFiles.Idx([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]));
        _folder.Write("labels", DataFiles.Idx([1], [0]));

        DatasetSplit split = Load(Idx("preprocessing: { layout: hwc-to-chw, mean: [1, 2, 3] }")).Read("test");

        Assert.Equal([3, 1, 2], split.RowShape);
        Assert.Equal([0f, 3f, 0f, 3f, 0f, 3f], Row(split, 0));
    }

    [Fact]
    public void Moving_channels_there_and_back_changes_nothing()
    {
        _folder.Write("images", DataFiles.Idx([1, 2, 2, 3], [.. Enumerable.Range(0, 12).Select(i => (byte)i)]));
        float[] chw = Row(Load(Idx("preprocessing: { layout: hwc-to-chw }", labels: false)).Read("test"), 0);
        _folder.Write("images", DataFiles.Idx([1, 3, 2, 2], [.. chw.Select(value => (byte)value)]));

        float[] hwc = Row(Load(Idx("preprocessing: { layout: chw-to-hwc }", labels: false)).Read("test"), 0);

        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), hwc);
    }

    [Fact]
    public void The_digest_is_of_the_content_and_not_of_the_file()
    {
        _folder.Write("images", DataFiles.Idx([2, 2], [1, 2, 3, 4]));
        _folder.Write("labels", DataFiles.Idx([2], [0, 1]));
        string idx = Load(Idx("")).Read("test").Digest().Hex;
        _folder.Write("data.npz", DataFiles.Npz(
            ("x", DataFiles.Npy<float>("<f4", [2, 2], [1, 2, 3, 4])), ("y", DataFiles.Npy<int>("<i4", [2], [0, 1]))));

        Assert.Equal(idx, Load(Npz()).Read("test").Digest().Hex);
        _folder.Write("labels", DataFiles.Idx([2], [0, 0]));
        Assert.NotEqual(idx, Load(Idx("")).Read("test").Digest().Hex);
    }

    [Fact]
    public void An_unknown_key_is_named_with_its_line_and_what_is_allowed()
    {
        DocumentException error = Assert.Throws<DocumentException>(() => Load(Idx("preprocessing:\n    scale: 2\n    meen: 3")));

        Assert.EndsWith("dataset.yaml:11: unknown key 'meen' in preprocessing; allowed: scale, mean, std, layout, channels, shape", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("preprocessing: { scale: fast }", "scale is 'fast'; expected a number")]
    [InlineData("preprocessing: { scale: 1/0 }", "scale is '1/0'; expected a number")]
    [InlineData("preprocessing: { std: 0 }", "std is 0")]
    [InlineData("preprocessing: { layout: sideways }", "layout is 'sideways'; expected as-stored or hwc-to-chw or chw-to-hwc")]
    [InlineData("preprocessing: { shape: [1.5] }", "shape is [1.5]")]
    [InlineData("preprocessing: 3", "preprocessing is no mapping")]
    [InlineData("labels: hello", "labels is no list")]
    [InlineData("package:", "package has no value")]
    public void A_value_that_cannot_be_is_named_with_its_line(string line, string expected)
    {
        DocumentException error = Assert.Throws<DocumentException>(() => Load(Idx(line)));

        Assert.Contains("dataset.yaml:9: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_split_of_a_source_that_is_not_there_is_refused() =>
        Assert.Contains(
            "source is 'al'; expected all",
            Assert.Throws<DocumentException>(() => Load(Idx("", "{ source: al }"))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_split_that_is_not_there_is_answered_with_those_that_are() =>
        Assert.Contains(
            "there is no split 'validation'; there are: test",
            Assert.Throws<DocumentException>(() => Load(Idx("")).Read("validation")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_named_with_the_package_that_brings_it()
    {
        DatasetException error = Assert.Throws<DatasetException>(() => Load(Idx("package: dataset-fashion-mnist")).Read("test"));

        Assert.Contains($"'{_folder["images"]}' of source 'all' does not exist; install the Debian package dataset-fashion-mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_rows_than_there_are_is_said()
    {
        _folder.Write("images", DataFiles.Idx([6, 1], [0, 1, 2, 3, 4, 5]));

        DatasetException error = Assert.Throws<DatasetException>(() => Load(Idx("", "{ source: all, first: 4, count: 3 }")).Read("test"));

        Assert.Contains("6 rows; 3 from row 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_promises_more_than_the_file_holds_takes_no_memory()
    {
        _folder.Write("images", DataFiles.Idx([2_000_000_000, 1], [1, 2, 3]));
        Dataset dataset = Load(Idx("", labels: false));

        long before = GC.GetAllocatedBytesForCurrentThread();
        DatasetException error = Assert.Throws<DatasetException>(() => dataset.Read("test"));

        Assert.Contains("after 3 of the 2000000000 rows", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0x50, 0x4B, 3, 4, 5, 6, 7, 8 })]
    [InlineData(new byte[] { 0, 0, 8, 200 })]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0, 0, 0 })]
    public void What_is_no_idx_file_is_refused_by_name(byte[] content)
    {
        _folder.Write("images", content);

        Assert.Contains($"'{_folder["images"]}'", Assert.Throws<DatasetException>(() => Load(Idx("")).Read("test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_do_not_fit_the_rows_or_the_names_are_refused()
    {
        _folder.Write("images", DataFiles.Idx([2, 1], [1, 2]));
        _folder.Write("labels", DataFiles.Idx([3], [0, 1, 2]));
        Assert.Contains("2 rows of inputs and 3 labels", Assert.Throws<DatasetException>(() => Load(Idx("")).Read("test")).Message, StringComparison.Ordinal);

        _folder.Write("labels", DataFiles.Idx([2], [0, 9]));
        Assert.Contains("row 1 has class 9, labels names 2", Assert.Throws<DatasetException>(() => Load(Idx("labels: [a, b]")).Read("test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_array_that_the_file_does_not_have_is_answered_with_those_that_it_has()
    {
        _folder.Write("data.npz", DataFiles.Npz(("images", DataFiles.Npy<float>("<f4", [1, 1], [1]))));

        Assert.Contains("has no array 'x'; it has images", Assert.Throws<DatasetException>(() => Load(Npz()).Read("test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_in_an_order_or_type_that_is_not_read_are_refused()
    {
        _folder.Write("data.npz", DataFiles.Npz(("x", DataFiles.Npy<float>("<f4", [1, 1], [1], fortranOrder: true))));
        Assert.Contains("Fortran order", Assert.Throws<DatasetException>(() => Load(Npz()).Read("test")).Message, StringComparison.Ordinal);

        _folder.Write("data.npz", DataFiles.Npz(("x", DataFiles.Npy<byte>("<c8", [1], [1]))));
        Assert.Contains("type '<c8' is not known", Assert.Throws<DatasetException>(() => Load(Npz()).Read("test")).Message, StringComparison.Ordinal);

        _folder.Write("data.npz", "no zip");
        Assert.Contains("not an .npz file", Assert.Throws<DatasetException>(() => Load(Npz()).Read("test")).Message, StringComparison.Ordinal);
    }

    private static bool Close(float expected, float actual) => MathF.Abs(expected - actual) < 1e-6f;

    private static float[] Row(DatasetSplit split, int row)
    {
        float[] values = new float[split.RowElements];
        split.CopyRow(row, values);
        return values;
    }

    private Dataset Load(string yaml) => Dataset.Load(_folder.Write("dataset.yaml", yaml));

    private static string Idx(string more, string split = "{ source: all }", bool labels = true) =>
        $"""
        apiVersion: edgefleet.io/v1
        kind: Dataset
        metadata: {"{ name: small }"}
        spec:
          format: idx
          sources:
            all: {(labels ? "{ inputs: images, labels: labels }" : "{ inputs: images }")}
          splits: {"{ test: " + split + " }"}
          {more}

        """;

    private static string Npz() =>
        """
        apiVersion: edgefleet.io/v1
        kind: Dataset
        metadata: { name: small }
        spec:
          format: npz
          sources:
            all: { file: data.npz, inputs: x, labels: y }
          splits: { test: { source: all } }
        """;
}
