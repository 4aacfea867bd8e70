using System.Collections.Immutable;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Onnx.Contracts;
using EdgeFleet.Onnx.Tensors;
using Microsoft.Win32.SafeHandles;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>
/// Looks at a model from a stranger before a runtime does. Memory stays small and the same whatever the file holds; the
/// tensors' values are not read. What a scan cannot see (an operator that allocates while it runs) is for the memory
/// cap of the process that loads the model.
/// </summary>
public static class ModelScanner
{
    /// <summary>Scans the entry point of a bundle whose files lie under <paramref name="folder"/>.</summary>
    public static ScanResult Scan(string folder, ArtifactManifest manifest, ScanLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Scan(folder, manifest.EntryPoint, [.. manifest.Files.Select(file => file.Path)], limits);
    }

    /// <param name="entryPoint">The model's path as the manifest lists it: relative, with '/'.</param>
    /// <param name="manifestFiles">Every path that the manifest lists; nothing else may be touched.</param>
    /// <exception cref="IOException">The disk failed; nothing is said about the model.</exception>
    public static ScanResult Scan(string folder, string entryPoint, IReadOnlyCollection<string> manifestFiles, ScanLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(entryPoint);
        ArgumentNullException.ThrowIfNull(manifestFiles);
        try
        {
            return new ScanResult.Accepted(Summarize(folder, entryPoint, manifestFiles, limits ?? ScanLimits.Default));
        }
        catch (ScanRejectedException ex)
        {
            return new ScanResult.Rejected(ex.Reason, $"'{entryPoint}': {ex.Message}");
        }
    }

    private static ModelSummary Summarize(string folder, string entryPoint, IReadOnlyCollection<string> manifestFiles, ScanLimits limits)
    {
        if (!manifestFiles.Contains(entryPoint))
        {
            throw new ScanRejectedException(ScanRejection.NotListed, "the manifest does not list it");
        }

        using SafeFileHandle file = Open(folder, entryPoint, out long size);
        if (size > limits.MaxModelBytes)
        {
            throw new ScanRejectedException(ScanRejection.TooLarge, $"{size} bytes; at most {limits.MaxModelBytes}");
        }

        ModelWalk walk = new(new WireReader(file, size), limits);
        walk.Run();
        if (walk.IrVersion < limits.MinIrVersion || walk.IrVersion > limits.MaxIrVersion)
        {
            throw new ScanRejectedException(ScanRejection.UnsupportedVersion, $"IR version {walk.IrVersion}; this build reads {limits.MinIrVersion} to {limits.MaxIrVersion}");
        }

        (ImmutableArray<string> externalFiles, long externalBytes) = CheckExternal(walk, folder, entryPoint, manifestFiles, limits);
        return new ModelSummary(
            size,
            externalBytes,
            walk.Nodes,
            walk.Tensors,
            walk.ParameterBytes,
            walk.IrVersion,
            walk.Opsets.ToImmutableSortedDictionary(StringComparer.Ordinal),
            externalFiles,
            Contract(walk));
    }

    private static ModelContract Contract(ModelWalk walk)
    {
        try
        {
            ModelContract contract = ContractReader.Read(walk.Inputs, walk.Outputs, walk.Initializers);
            return contract.Outputs.Count > 0
                ? contract
                : throw new ScanRejectedException(ScanRejection.Contract, "the graph has no output");
        }
        catch (InvalidModelException ex)
        {
            throw new ScanRejectedException(ScanRejection.Contract, ex.Message);
        }
    }

    private static (ImmutableArray<string> Files, long Bytes) CheckExternal(
        ModelWalk walk, string folder, string entryPoint, IReadOnlyCollection<string> manifestFiles, ScanLimits limits)
    {
        string beside = entryPoint.LastIndexOf('/') is >= 0 and var slash ? entryPoint[..(slash + 1)] : "";
        SortedDictionary<string, long> sizes = new(StringComparer.Ordinal);
        long total = 0;
        foreach (ExternalTensor tensor in walk.External)
        {
            if (tensor.Location is not { } location || !ExternalReference.IsPlainFileName(location))
            {
                throw new ScanRejectedException(ScanRejection.ExternalData, $"tensor '{tensor.Name}': location '{Printable(tensor.Location)}' is not a plain file name");
            }

            string path = beside + location;
            if (!sizes.TryGetValue(path, out long size))
            {
                if (!manifestFiles.Contains(path))
                {
                    throw new ScanRejectedException(ScanRejection.NotListed, $"tensor '{tensor.Name}' points to '{path}', which the manifest does not list");
                }

                Open(folder, path, out size).Dispose();
                sizes[path] = size;
            }

            if (tensor.StatedLength is { } stated && stated != tensor.NeededBytes)
            {
                throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{tensor.Name}': {stated} bytes stated, its shape needs {tensor.NeededBytes}");
            }

            if (tensor.Offset > size || tensor.NeededBytes > size - tensor.Offset)
            {
                throw new ScanRejectedException(ScanRejection.ExternalData, $"tensor '{tensor.Name}': {tensor.NeededBytes} bytes at {tensor.Offset} of '{path}', which has {size}");
            }

            total += tensor.NeededBytes;
            if (total > limits.MaxExternalBytes)
            {
                throw new ScanRejectedException(ScanRejection.TooLarge, $"tensors in other files need more than {limits.MaxExternalBytes} bytes");
            }
        }

        return ([.. sizes.Keys], sizes.Values.Sum());
    }

    private static SafeFileHandle Open(string folder, string path, out long size)
    {
        string fullPath = Path.Join(folder, path);
        FileInfo info = new(fullPath);
        // A link could be changed to another file after the scan, and a folder cannot be read.
        if (!info.Exists || info.LinkTarget is not null)
        {
            throw new ScanRejectedException(ScanRejection.NotAFile, $"'{path}' is {(info.LinkTarget is null ? "missing or a folder" : "a link")}");
        }

        SafeFileHandle handle = File.OpenHandle(fullPath);
        size = RandomAccess.GetLength(handle);
        return handle;
    }

    private static string Printable(string? text) =>
        text is null ? "none" : string.Concat(text.Take(80).Select(c => char.IsControl(c) ? '?' : c));
}
