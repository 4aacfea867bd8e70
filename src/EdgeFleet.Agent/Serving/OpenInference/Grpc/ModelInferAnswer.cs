using System.Buffers;
using System.Text;
using EdgeFleet.Core.Artifacts;
using Grpc.Core;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>gRPC's ModelInferResponse in the making: the outputs, and their raw contents where they are raw.</summary>
internal sealed class ModelInferAnswer : IInferResponse
{
    private const int ModelName = 1;
    private const int ModelVersion = 2;
    private const int Id = 3;
    private const int Outputs = 5;
    private const int RawContents = 6;
    private const int TensorName = 1;
    private const int TensorDatatype = 2;
    private const int TensorShape = 3;
    private const int TensorTyped = 5;
    private readonly ProtoBuffer _message = new();
    private readonly ProtoBuffer _raw = new();

    /// <summary>Puts the answer into the response as it is.</summary>
    public static Marshaller<ModelInferAnswer> Marshaller { get; } = Marshallers.Create(
        static (ModelInferAnswer answer, SerializationContext context) =>
        {
            ReadOnlySpan<byte> message = answer._message.Written;
            ReadOnlySpan<byte> raw = answer._raw.Written;
            context.SetPayloadLength(checked(message.Length + raw.Length));
            IBufferWriter<byte> writer = context.GetBufferWriter();
            writer.Write(message);
            writer.Write(raw);
            context.Complete();
        },
        static _ => throw new NotSupportedException("the runner answers; it does not ask"));

    public void Begin(string model, string version, string? id)
    {
        _message.Clear();
        _raw.Clear();
        _message.Text(ModelName, model);
        _message.Text(ModelVersion, version);
        _message.Text(Id, id);
    }

    public void Add(TensorSpec spec, IReadOnlyList<long> shape, ReadOnlySpan<byte> data, bool binary)
    {
        int shapeSize = 0;
        for (int i = 0; i < shape.Count; i++)
        {
            shapeSize += ProtoBuffer.VarintSize((ulong)shape[i]);
        }
        int packedSize = binary ? 0 : TensorContents.PackedSize(spec.ElementType, data);
        int contentsSize = ProtoBuffer.FieldSize(packedSize);
        _message.Tag(Outputs, WireType.Bytes);
        _message.Varint((ulong)(
            ProtoBuffer.FieldSize(Encoding.UTF8.GetByteCount(spec.Name)) + ProtoBuffer.FieldSize(spec.ElementType.Length)
            + ProtoBuffer.FieldSize(shapeSize) + ProtoBuffer.FieldSize(contentsSize)));
        _message.Text(TensorName, spec.Name);
        _message.Text(TensorDatatype, spec.ElementType);
        if (shapeSize > 0)
        {
            _message.Tag(TensorShape, WireType.Bytes);
            _message.Varint((ulong)shapeSize);
            for (int i = 0; i < shape.Count; i++)
            {
                _message.Varint((ulong)shape[i]);
            }
        }
        if (binary)
        {
            _raw.Bytes(RawContents, data);
        }
        else if (contentsSize > 0)
        {
            _message.Tag(TensorTyped, WireType.Bytes);
            _message.Varint((ulong)contentsSize);
            TensorContents.Write(_message, spec.ElementType, data, packedSize);
        }
    }

    public void End()
    {
        // The length goes before the message, and it is known only now: the marshaller writes both.
    }
}
