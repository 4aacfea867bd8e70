using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Onnx.Tests.Scanning;

/// <summary>
/// The scanner under damage: bits flipped, bytes cut out, doubled and overwritten, lengths inflated. It must answer, with
/// little memory, and what it accepts must hold what it promised.
/// </summary>
public sealed class MutatedModelTests : IDisposable
{
    private const int Mutants = 2000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_mutant_is_answered_and_what_is_accepted_is_sound()
    {
        byte[] sound = Sound();
        Random random = new(20261120);
        string path = _folder["m.onnx"];
        int accepted = 0;
        HashSet<ScanRejection> reasons = [];

        for (int i = 0; i < Mutants; i++)
        {
            byte[] mutant = Mutate(sound, random);
            File.WriteAllBytes(path, mutant);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ScanResult result = ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"]);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.True(allocated < 4 << 20, $"mutant {i}: {allocated} bytes allocated for a file of {mutant.Length}");
            if (result is ScanResult.Accepted)
            {
                accepted++;
                AssertTensorsAreWhole(mutant, i);
            }
            else
            {
                reasons.Add(Assert.IsType<ScanResult.Rejected>(result).Reason);
            }
        }

        // The control: damage of weights is invisible to a scan and must not be refused, damage of structure is seen in many ways.
        Assert.InRange(accepted, Mutants / 20, Mutants * 19 / 20);
        Assert.Superset(new HashSet<ScanRejection> { ScanRejection.Malformed, ScanRejection.TensorSize }, reasons);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] sound = Sound();
        for (int length = 0; length < sound.Length; length += 7)
        {
            _folder.Write("m.onnx", sound[..length]);
            Assert.IsType<ScanResult.Rejected>(ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"]));
        }

        _folder.Write("m.onnx", sound);
        Assert.IsType<ScanResult.Accepted>(ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"]));
    }

    /// <summary>With the opset at the end of the file, so that every truncation cuts something.</summary>
    private static byte[] Sound()
    {
        ModelBuilder builder = ModelBuilder.Classifier(channels: 2);
        builder.Tensor(new TensorProto { Name = "list", DataType = 7, Dims = { 2 }, Int64Data = { 1, 300 } });
        builder.Proto.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "somebody" });
        return builder.ToBytes();
    }

    private static void AssertTensorsAreWhole(byte[] bytes, int mutant)
    {
        ModelProto model = ModelProto.Parser.ParseFrom(bytes);
        foreach (TensorProto tensor in model.Graph.Initializer.Where(tensor => tensor.HasRawData))
        {
            int bits = TensorSize.BitsPerElement(tensor.DataType)!.Value;
            long needed = ((TensorSize.ElementCount(tensor.Dims)!.Value * bits) + 7) / 8;
            Assert.True(needed == tensor.RawData.Length, $"mutant {mutant}: tensor '{tensor.Name}' was accepted with {tensor.RawData.Length} bytes, it needs {needed}");
        }
    }

    private static byte[] Mutate(byte[] sound, Random random)
    {
        List<byte> bytes = [.. sound];
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            int at = random.Next(bytes.Count);
            int count = Math.Min(random.Next(1, 16), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, count);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, count));
                    break;
                case 4:
                    bytes.InsertRange(at, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]);
                    break;
                default:
                    bytes[at] = 0xFF;
                    break;
            }
        }

        return [.. bytes];
    }
}
