using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using Google.Protobuf;

namespace EdgeFleet.Onnx;

/// <summary>
/// A model in memory, with the folder in which its external data lies. Fields that the schema does not know are kept
/// and written back. For a file that somebody else sent, ask <see cref="Scanning.ModelScanner"/> first: parsing
/// holds the whole file in memory.
/// </summary>
public sealed class OnnxModel
{
    private const string DefaultDomain = "";

    public OnnxModel(ModelProto proto, string? folder = null)
    {
        ArgumentNullException.ThrowIfNull(proto);
        Proto = proto;
        Folder = folder;
    }

    public ModelProto Proto { get; }

    /// <summary>The folder that external data names are relative to; null for a model that was never a file.</summary>
    public string? Folder { get; }

    public GraphProto Graph => Proto.Graph ?? throw new InvalidModelException("the model has no graph");

    /// <exception cref="InvalidModelException">The bytes are no ONNX model.</exception>
    public static OnnxModel Load(string path)
    {
        string fullPath = Path.GetFullPath(path);
        return Parse(File.ReadAllBytes(fullPath), path, Path.GetDirectoryName(fullPath));
    }

    public static OnnxModel Parse(byte[] bytes, string name, string? folder = null)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ModelProto proto;
        try
        {
            proto = ModelProto.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException ex)
        {
            throw new InvalidModelException($"'{name}' is not an ONNX model ({bytes.Length} bytes): {ex.Message}", ex);
        }

        // Random bytes and text files can be well-formed protobuf; a model says its version and has a graph.
        return proto.Graph is null || !proto.HasIrVersion
            ? throw new InvalidModelException($"'{name}' is not an ONNX model ({bytes.Length} bytes): it has no {(proto.Graph is null ? "graph" : "IR version")}")
            : new OnnxModel(proto, folder);
    }

    /// <summary>The version of the operator set that the model asks for, or null where it does not import the domain.</summary>
    public long? OpsetVersion(string domain = DefaultDomain)
    {
        foreach (OperatorSetIdProto import in Proto.OpsetImport)
        {
            // The default domain has two spellings.
            string imported = import.Domain == "ai.onnx" ? DefaultDomain : import.Domain;
            if (imported == domain)
            {
                return import.Version;
            }
        }

        return null;
    }

    public OnnxModel Clone() => new(Proto.Clone(), Folder);

    /// <summary>The same model gives the same bytes: protobuf writes fields in the order of their numbers, and the format has no maps.</summary>
    public byte[] ToBytes() => Proto.ToByteArray();

    /// <summary>The files, beside the model's own, that its tensors point to.</summary>
    public IReadOnlyList<string> ExternalFiles()
    {
        SortedSet<string> files = new(StringComparer.Ordinal);
        foreach (TensorProto tensor in TensorWalk.All(Graph))
        {
            if (ExternalReference.Of(tensor) is { } reference)
            {
                files.Add(reference.Location);
            }
        }

        return [.. files];
    }

    /// <summary>A copy that needs no other file: external data is read and stored in the model.</summary>
    public OnnxModel WithDataInside()
    {
        OnnxModel whole = Clone();
        foreach (TensorProto tensor in TensorWalk.All(whole.Graph))
        {
            ExternalReference.Inline(tensor, Folder);
        }

        return whole;
    }

    /// <summary>Writes one file that needs no other.</summary>
    public void Save(string path)
    {
        ModelProto whole = ExternalFiles().Count > 0 ? WithDataInside().Proto : Proto;
        WriteReplacing(path, stream => whole.WriteTo(stream));
    }

    /// <summary>
    /// Writes the model and, beside it, one file with the initializers of at least <paramref name="thresholdBytes"/>.
    /// Offsets are aligned to 4,096 bytes, so that a runtime can map them.
    /// </summary>
    /// <param name="externalFileName">A plain file name; it is what the model refers to.</param>
    public void SaveWithExternalData(string path, string externalFileName, int thresholdBytes = 1024)
    {
        if (!ExternalReference.IsPlainFileName(externalFileName))
        {
            throw new ArgumentException($"'{externalFileName}' is not a plain file name", nameof(externalFileName));
        }

        ModelProto slim = Proto.Clone();
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        WriteReplacing(Path.Join(folder, externalFileName), stream =>
        {
            foreach (TensorProto tensor in slim.Graph.Initializer)
            {
                ExternalReference.Inline(tensor, Folder);
                if (tensor.HasRawData && tensor.RawData.Length >= thresholdBytes)
                {
                    ExternalReference.MoveOut(tensor, externalFileName, stream);
                }
            }
        });
        WriteReplacing(path, stream => slim.WriteTo(stream));
    }

    /// <summary>A reader never meets half a model: the bytes go to a temporary file that takes the name when it is whole.</summary>
    private static void WriteReplacing(string path, Action<Stream> write)
    {
        string temporary = path + ".tmp";
        using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            write(stream);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
