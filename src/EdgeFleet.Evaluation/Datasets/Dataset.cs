using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Evaluation.Datasets;

/// <summary>
/// A dataset file (<c>kind: Dataset</c>): where labelled rows lie, which of them form which split, and how they become a
/// model's input. Nothing is read before <see cref="Read"/>.
/// </summary>
public sealed class Dataset
{
    private readonly IReadOnlyDictionary<string, Source> _sources;
    private readonly SortedDictionary<string, Split> _splits;
    private readonly Preprocessing _preprocessing;
    private readonly string? _package;

    private Dataset(
        string name,
        string path,
        IReadOnlyDictionary<string, Source> sources,
        SortedDictionary<string, Split> splits,
        Preprocessing preprocessing,
        IReadOnlyList<string> labels,
        string? package)
    {
        Name = name;
        Path = path;
        Labels = labels;
        _sources = sources;
        _splits = splits;
        _preprocessing = preprocessing;
        _package = package;
    }

    public string Name { get; }

    public string Path { get; }

    /// <summary>The names of the classes, in the order of the model's outputs; empty where the file names none.</summary>
    public IReadOnlyList<string> Labels { get; }

    public IReadOnlyList<string> Splits => [.. _splits.Keys];

    /// <exception cref="DocumentException">The file says something it cannot mean; the message has the line.</exception>
    public static Dataset Load(string path)
    {
        (string name, DocumentMap spec) = DocumentMap.Load(path, "Dataset");
        spec.AllowOnly("format", "package", "sources", "splits", "preprocessing", "labels");
        bool isIdx = spec.Choice("format", "idx", "npz") == "idx";
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;

        Dictionary<string, Source> sources = new(StringComparer.Ordinal);
        DocumentMap sourceMaps = spec.Map("sources");
        foreach (string key in sourceMaps.Keys)
        {
            sources[key] = Source.From(sourceMaps.Map(key), isIdx, folder);
        }

        SortedDictionary<string, Split> splits = new(StringComparer.Ordinal);
        DocumentMap splitMaps = spec.Map("splits");
        foreach (string key in splitMaps.Keys)
        {
            splits[key] = Split.From(splitMaps.Map(key), [.. sources.Keys]);
        }

        return new Dataset(
            name,
            path,
            sources,
            splits,
            Preprocessing.From(spec.OptionalMap("preprocessing")),
            spec.OptionalTexts("labels") ?? [],
            spec.OptionalText("package"));
    }

    /// <summary>Reads the rows of one split into memory.</summary>
    /// <exception cref="DatasetException">A file is missing or broken, or its rows do not fit together.</exception>
    public DatasetSplit Read(string split)
    {
        if (!_splits.TryGetValue(split, out Split? chosen))
        {
            throw new DocumentException($"{Path}: there is no split '{split}'; there are: {string.Join(", ", _splits.Keys)}");
        }

        Source source = _sources[chosen.Source];
        StoredArray inputs = source.ReadInputs(this, chosen);
        StoredArray? labels = source.ReadLabels(this, chosen);
        IReadOnlyList<int> shape;
        try
        {
            shape = _preprocessing.ModelShape(inputs.RowShape);
        }
        catch (DatasetException ex)
        {
            throw new DatasetException($"{Path}: {ex.Message}", ex);
        }

        return new DatasetSplit(this, split, inputs, labels, _preprocessing, shape);
    }

    /// <summary>How many rows of a split, which was read, belong to another one too; 0 where there is no other of that name.</summary>
    public int SharedRows(DatasetSplit split, string other)
    {
        ArgumentNullException.ThrowIfNull(split);
        if (!_splits.TryGetValue(other, out Split? second))
        {
            return 0;
        }
        Split first = _splits[split.Name];
        return _sources[first.Source] == _sources[second.Source]
            ? Enumerable.Range(0, split.Count).Count(i => second.Rows.Contains(first.Rows.First + (i * first.Rows.Every)))
            : 0;
    }

    private string Existing(string path, string source)
    {
        if (File.Exists(path))
        {
            return path;
        }

        string help = _package is null ? "" : $"; install the Debian package {_package} (apt-get install {_package})";
        throw new DatasetException($"{Path}: '{path}' of source '{source}' does not exist{help}");
    }

    /// <summary>Files that hold rows; for npz one file and the names of its arrays.</summary>
    private sealed record Source(string InputsFile, string? InputsArray, string? LabelsFile, string? LabelsArray)
    {
        public static Source From(DocumentMap map, bool isIdx, string folder)
        {
            if (isIdx)
            {
                map.AllowOnly("inputs", "labels");
                string? labels = map.OptionalText("labels");
                return new Source(Absolute(folder, map.Text("inputs")), null, labels is null ? null : Absolute(folder, labels), null);
            }

            map.AllowOnly("file", "inputs", "labels");
            string file = Absolute(folder, map.Text("file"));
            string? labelsArray = map.OptionalText("labels");
            return new Source(file, map.Text("inputs"), labelsArray is null ? null : file, labelsArray);
        }

        public StoredArray ReadInputs(Dataset dataset, Split split) => Read(dataset, split, InputsFile, InputsArray);

        public StoredArray? ReadLabels(Dataset dataset, Split split) =>
            LabelsFile is null ? null : Read(dataset, split, LabelsFile, LabelsArray);

        private static StoredArray Read(Dataset dataset, Split split, string file, string? array)
        {
            string path = dataset.Existing(file, split.Source);
            return array is null ? IdxFile.Read(path, split.Rows) : NpzFile.Read(path, array, split.Rows);
        }

        private static string Absolute(string folder, string path) => System.IO.Path.GetFullPath(path, folder);
    }

    private sealed record Split(string Source, RowRange Rows)
    {
        public static Split From(DocumentMap map, IReadOnlyList<string> sources)
        {
            map.AllowOnly("source", "first", "count", "every");
            string source = map.Choice("source", [.. sources]);
            long first = map.Integer("first", 0, 0, int.MaxValue);
            long every = map.Integer("every", 1, 1, int.MaxValue);
            long? count = map.Has("count") ? map.Integer("count", 0, 1, int.MaxValue) : null;
            return new Split(source, new RowRange(first, count, every));
        }
    }
}
