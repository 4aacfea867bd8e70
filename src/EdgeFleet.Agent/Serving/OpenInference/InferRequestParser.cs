using System.Text.Json;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>
/// Reads an inference request against a contract. Fields and parameters that are not known are skipped, as the protocol asks,
/// and what is optional may be null, as clients made from a schema send it; what contradicts the contract is refused with the
/// input's name and the value.
/// </summary>
internal static class InferRequestParser
{
    private static readonly JsonReaderOptions s_options = new() { MaxDepth = 32 };

    /// <param name="body">The whole body.</param>
    /// <param name="headerLength">Bytes of JSON at its beginning; the binary data follows.</param>
    /// <param name="names">The contract of the model that is asked.</param>
    /// <param name="maximumBatch">Rows that an input may have whose first dimension is free.</param>
    /// <param name="request">Filled; cleared before.</param>
    /// <exception cref="RequestException">The request is malformed or does not fit the contract.</exception>
    public static void Parse(ReadOnlySpan<byte> body, int headerLength, ContractNames names, int maximumBatch, InferRequest request)
    {
        request.Clear();
        try
        {
            Utf8JsonReader reader = new(body[..headerLength], s_options);
            ReadRequest(ref reader, names, request);
            if (reader.Read())
            {
                throw RequestException.BadRequest("the request goes on after its JSON object");
            }
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException or FormatException)
        {
            throw RequestException.BadRequest($"the request is not valid JSON: {ex.Message}");
        }
        RequestChecks.Inputs(names.Contract, maximumBatch, request);
        PlaceData(body.Length, headerLength, names.Contract, request);
    }

    private static void ReadRequest(ref Utf8JsonReader reader, ContractNames names, InferRequest request)
    {
        bool anyInputs = false;
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject, "the request");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("inputs"u8))
            {
                anyInputs = true;
                ReadInputs(ref reader, names, request);
            }
            else if (reader.ValueTextEquals("outputs"u8))
            {
                ReadOutputs(ref reader, names, request);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Null)
                {
                    Expect(ref reader, JsonTokenType.String, "id");
                    request.Id = reader.GetString();
                }
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                int start = (int)reader.BytesConsumed;
                (_, bool? binary) = ReadParameters(ref reader, size: default, binary: "binary_data_output"u8);
                request.BinaryByDefault = binary ?? false;
                request.Parameters.Add((start, (int)reader.BytesConsumed - start));
            }
            else
            {
                reader.Skip();
            }
        }
        if (!anyInputs)
        {
            throw RequestException.BadRequest("the request has no inputs");
        }
    }

    private static void ReadInputs(ref Utf8JsonReader reader, ContractNames names, InferRequest request)
    {
        reader.Read();
        Expect(ref reader, JsonTokenType.StartArray, "inputs");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartObject, "an input");
            ReadInput(ref reader, names, request.AddInput());
        }
    }

    private static void ReadInput(ref Utf8JsonReader reader, ContractNames names, RequestInput input)
    {
        bool hasShape = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8))
            {
                reader.Read();
                Expect(ref reader, JsonTokenType.String, "an input's name");
                input.Index = names.InputOf(ref reader);
                if (input.Index < 0)
                {
                    throw RequestException.BadRequest($"input '{reader.GetString()}' is not an input of the model; it has {names.InputNames}");
                }
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                hasShape = true;
                ReadShape(ref reader, input);
            }
            else if (reader.ValueTextEquals("datatype"u8))
            {
                reader.Read();
                Expect(ref reader, JsonTokenType.String, "an input's datatype");
                input.HasDatatype = true;
                if (input.Index < 0 || !names.IsDatatypeOf(input.Index, ref reader))
                {
                    input.PendingDatatype = reader.GetString();
                }
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                (long? size, _) = ReadParameters(ref reader, size: "binary_data_size"u8, binary: default);
                input.BinarySize = size ?? -1;
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null)
                {
                    continue;
                }
                Expect(ref reader, JsonTokenType.StartArray, "an input's data");
                input.DataStart = (int)reader.TokenStartIndex;
                reader.Skip();
                input.DataLength = (int)reader.BytesConsumed - input.DataStart;
            }
            else
            {
                reader.Skip();
            }
        }
        RequestChecks.Input(names.Contract, input, hasShape);
    }

    private static void ReadShape(ref Utf8JsonReader reader, RequestInput input)
    {
        input.Shape.Clear();
        reader.Read();
        Expect(ref reader, JsonTokenType.StartArray, "an input's shape");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size) || size < 0)
            {
                throw RequestException.BadRequest($"an input's shape holds {System.Text.Encoding.UTF8.GetString(reader.ValueSpan)}; a dimension is a whole number of at least 0");
            }
            input.Shape.Add(size);
        }
    }

    private static void ReadOutputs(ref Utf8JsonReader reader, ContractNames names, InferRequest request)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }
        Expect(ref reader, JsonTokenType.StartArray, "outputs");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartObject, "an output");
            int index = -1;
            bool? binary = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("name"u8))
                {
                    reader.Read();
                    Expect(ref reader, JsonTokenType.String, "an output's name");
                    index = names.OutputOf(ref reader);
                    if (index < 0)
                    {
                        throw RequestException.BadRequest($"output '{reader.GetString()}' is not an output of the model; it has {names.OutputNames}");
                    }
                }
                else if (reader.ValueTextEquals("parameters"u8))
                {
                    (_, binary) = ReadParameters(ref reader, size: default, binary: "binary_data"u8);
                }
                else
                {
                    reader.Skip();
                }
            }
            if (index < 0)
            {
                throw RequestException.BadRequest("an output has no name");
            }
            request.Outputs.Add(new RequestOutput(index, binary));
        }
    }

    /// <summary>Reads the two parameters that the binary extension defines and skips every other.</summary>
    private static (long? Size, bool? Binary) ReadParameters(ref Utf8JsonReader reader, ReadOnlySpan<byte> size, ReadOnlySpan<byte> binary)
    {
        long? foundSize = null;
        bool? foundBinary = null;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return (null, null);
        }
        Expect(ref reader, JsonTokenType.StartObject, "parameters");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isSize = !size.IsEmpty && reader.ValueTextEquals(size);
            bool isBinary = !binary.IsEmpty && reader.ValueTextEquals(binary);
            reader.Read();
            if (isSize)
            {
                foundSize = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) && value >= 0
                    ? value
                    : throw RequestException.BadRequest("the parameter binary_data_size is not a number of bytes");
            }
            else if (isBinary)
            {
                foundBinary = reader.TokenType switch
                {
                    JsonTokenType.True => true,
                    JsonTokenType.False => false,
                    _ => throw RequestException.BadRequest($"the parameter {System.Text.Encoding.UTF8.GetString(binary)} is neither true nor false"),
                };
            }
            else
            {
                reader.Skip();
            }
        }
        return (foundSize, foundBinary);
    }

    /// <summary>Binary data follows the header in the order of the inputs, without gaps.</summary>
    private static void PlaceData(int bodyLength, int headerLength, ModelContract contract, InferRequest request)
    {
        long next = headerLength;
        foreach (RequestInput input in request.Inputs)
        {
            string name = contract.Inputs[input.Index].Name;
            if (input.BinarySize < 0)
            {
                if (input.DataStart < 0)
                {
                    throw RequestException.BadRequest($"input '{name}' has neither data nor a binary_data_size");
                }
                continue;
            }
            if (input.DataStart >= 0)
            {
                throw RequestException.BadRequest($"input '{name}' has both data and a binary_data_size");
            }
            if (input.BinarySize > bodyLength - next)
            {
                throw RequestException.BadRequest($"input '{name}' has binary_data_size {input.BinarySize}; {bodyLength - next} bytes are left in the body");
            }
            input.Form = DataForm.Binary;
            input.DataStart = (int)next;
            input.DataLength = (int)input.BinarySize;
            next += input.BinarySize;
        }
        if (next != bodyLength)
        {
            throw RequestException.BadRequest($"{bodyLength - next} bytes follow the JSON header that no input accounts for");
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
        {
            throw RequestException.BadRequest($"{what} is {reader.TokenType}, expected {type}");
        }
    }
}
