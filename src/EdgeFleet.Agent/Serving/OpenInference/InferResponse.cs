using System.Buffers;
using System.Text.Json;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>
/// An answer in the making: the JSON, and the outputs whose bytes follow it. One object per connection; its buffers are
/// used again.
/// </summary>
internal sealed class InferResponse : IInferResponse, IDisposable
{
    private static readonly JsonWriterOptions s_options = new() { SkipValidation = true };
    private readonly ArrayBufferWriter<byte> _json = new(1024);
    private readonly Utf8JsonWriter _writer;
    private readonly ArrayBufferWriter<byte> _binary = new(1024);

    public InferResponse() => _writer = new Utf8JsonWriter(_json, s_options);

    public ReadOnlyMemory<byte> Json => _json.WrittenMemory;

    public ReadOnlyMemory<byte> Binary => _binary.WrittenMemory;

    /// <summary>Whether the answer uses the binary extension, and so needs its header.</summary>
    public bool HasBinary { get; private set; }

    public void Begin(string model, string version, string? id)
    {
        _json.ResetWrittenCount();
        _binary.ResetWrittenCount();
        _writer.Reset();
        HasBinary = false;
        _writer.WriteStartObject();
        _writer.WriteString("model_name"u8, model);
        _writer.WriteString("model_version"u8, version);
        if (id is not null)
        {
            _writer.WriteString("id"u8, id);
        }
        _writer.WriteStartArray("outputs"u8);
    }

    /// <exception cref="RequestException">The type has no form in JSON.</exception>
    public void Add(TensorSpec spec, IReadOnlyList<long> shape, ReadOnlySpan<byte> data, bool binary)
    {
        _writer.WriteStartObject();
        _writer.WriteString("name"u8, spec.Name);
        _writer.WriteString("datatype"u8, spec.ElementType);
        _writer.WriteStartArray("shape"u8);
        for (int i = 0; i < shape.Count; i++)
        {
            _writer.WriteNumberValue(shape[i]);
        }
        _writer.WriteEndArray();
        if (binary)
        {
            HasBinary = true;
            _writer.WriteStartObject("parameters"u8);
            _writer.WriteNumber("binary_data_size"u8, data.Length);
            _writer.WriteEndObject();
            _binary.Write(data);
        }
        else
        {
            _writer.WritePropertyName("data"u8);
            JsonTensorData.Write(_writer, spec.Name, spec.ElementType, data);
        }
        _writer.WriteEndObject();
    }

    public void End()
    {
        _writer.WriteEndArray();
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();
}
