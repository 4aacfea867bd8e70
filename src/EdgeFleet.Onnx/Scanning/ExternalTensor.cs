namespace EdgeFleet.Onnx.Scanning;

/// <summary>A tensor whose bytes lie in another file, as the model states it.</summary>
internal sealed record ExternalTensor(string Name, string? Location, long Offset, long? StatedLength, long NeededBytes);
