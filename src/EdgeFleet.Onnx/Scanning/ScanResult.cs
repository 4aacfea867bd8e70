using System.Collections.Immutable;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>What a scan of an untrusted model says.</summary>
public abstract record ScanResult
{
    private ScanResult()
    {
    }

    public sealed record Accepted(ModelSummary Model) : ScanResult;

    /// <param name="Detail">A sentence that names the thing and the value.</param>
    public sealed record Rejected(ScanRejection Reason, string Detail) : ScanResult;
}

/// <summary>Why a model is not given to a runtime.</summary>
public enum ScanRejection
{
    /// <summary>The entry point, or a file that a tensor points to, is not a file that the manifest lists.</summary>
    NotListed,

    /// <summary>A listed file is missing, a link, a folder or a device.</summary>
    NotAFile,

    /// <summary>More bytes, nodes, tensors, messages, depth or dimensions than the limits allow.</summary>
    TooLarge,

    /// <summary>The bytes are no ONNX model: broken wire format, wrong field types, a field given twice, no graph.</summary>
    Malformed,

    /// <summary>A format version or operator set that this build does not know.</summary>
    UnsupportedVersion,

    /// <summary>An operator of a domain that is not on the list, or a function that the model brings itself.</summary>
    OperatorNotAllowed,

    /// <summary>A tensor whose bytes are not what its shape and type need.</summary>
    TensorSize,

    /// <summary>A tensor that points outside its file, or to a name that could leave the folder.</summary>
    ExternalData,

    /// <summary>Inputs or outputs that are no tensors with a shape.</summary>
    Contract,
}

/// <summary>What a scan learned without loading the model.</summary>
/// <param name="ParameterBytes">Bytes of all constant tensors, wherever they are stored.</param>
/// <param name="ExternalFiles">Paths as the manifest lists them.</param>
public sealed record ModelSummary(
    long SizeBytes,
    long ExternalBytes,
    int Nodes,
    int Tensors,
    long ParameterBytes,
    long IrVersion,
    ImmutableSortedDictionary<string, long> Opsets,
    ImmutableArray<string> ExternalFiles,
    ModelContract Contract);
