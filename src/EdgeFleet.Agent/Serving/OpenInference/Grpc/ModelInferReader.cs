using System.Buffers;
using System.Text;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>
/// Reads gRPC's ModelInferRequest against a contract, into the same <see cref="InferRequest"/> as REST's JSON and with the
/// same checks. Fields that are not known are skipped; parameters are left where they lie.
/// </summary>
internal static class ModelInferReader
{
    /// <summary>Which model is asked: it has to be known before the rest can be read against its contract.</summary>
    /// <exception cref="RequestException">The message is malformed.</exception>
    public static (string Model, string Version) ReadTarget(in ReadOnlySequence<byte> message)
    {
        (string model, string version) = ("", "");
        MessageFields fields = new(message);
        while (fields.Next(out int field, out WireType type))
        {
            switch (field, type)
            {
                case (1, WireType.Bytes): model = fields.Text(); break;
                case (2, WireType.Bytes): version = fields.Text(); break;
                default: fields.Skip(type); break;
            }
        }
        return (model, version);
    }

    /// <param name="message">The message as received.</param>
    /// <param name="names">The contract of the model that is asked.</param>
    /// <param name="maximumBatch">Rows that an input may have whose first dimension is free.</param>
    /// <param name="request">Filled; cleared before.</param>
    /// <exception cref="RequestException">The request is malformed or does not fit the contract.</exception>
    public static void Read(in ReadOnlySequence<byte> message, ContractNames names, int maximumBatch, InferRequest request)
    {
        request.Clear();
        MessageFields fields = new(message);
        while (fields.Next(out int field, out WireType type))
        {
            switch (field, type)
            {
                case (3, WireType.Bytes):
                    request.Id = fields.Text() is { Length: > 0 } id ? id : null;
                    break;
                case (4, WireType.Bytes):
                    request.ParametersAreMessages = true;
                    request.Parameters.Add(fields.Bytes());
                    break;
                case (5, WireType.Bytes):
                    ReadInput(message, fields.Bytes(), names, request.AddInput());
                    break;
                case (6, WireType.Bytes):
                    ReadOutput(message, fields.Bytes(), names, request);
                    break;
                case (7, WireType.Bytes):
                    request.Raw.Add(fields.Bytes());
                    break;
                default:
                    fields.Skip(type);
                    break;
            }
        }
        RequestChecks.Inputs(names.Contract, maximumBatch, request);
        PlaceRaw(names.Contract, request);
        // An answer is all raw or all typed. It is like its request where it can be.
        request.BinaryByDefault = request.Raw.Count > 0 || HasOutputWithoutTypedForm(names.Contract, request);
    }

    private static void ReadInput(in ReadOnlySequence<byte> message, (int Start, int Length) part, ContractNames names, RequestInput input)
    {
        MessageFields fields = new(message, part);
        (int Start, int Length) datatype = (0, 0);
        while (fields.Next(out int field, out WireType type))
        {
            switch (field, type)
            {
                case (1, WireType.Bytes):
                    (int Start, int Length) name = fields.Bytes();
                    input.Index = names.InputOf(fields.At(name));
                    if (input.Index < 0)
                    {
                        throw RequestException.BadRequest($"input '{Encoding.UTF8.GetString(fields.At(name))}' is not an input of the model; it has {names.InputNames}");
                    }
                    break;
                case (2, WireType.Bytes):
                    datatype = fields.Bytes();
                    break;
                case (3, WireType.Bytes):
                    MessageFields sizes = new(message, fields.Bytes());
                    while (!sizes.AtEnd)
                    {
                        input.Shape.Add((long)sizes.Varint());
                    }
                    break;
                case (3, WireType.Varint):
                    input.Shape.Add((long)fields.Varint());
                    break;
                case (5, WireType.Bytes):
                    // Contents may come in several pieces, which together are one: the whole tensor is kept for them.
                    fields.Bytes();
                    (input.Form, input.DataStart, input.DataLength) = (DataForm.Contents, part.Start, part.Length);
                    break;
                default:
                    fields.Skip(type);
                    break;
            }
        }
        input.HasDatatype = datatype.Length > 0;
        if (input.Index >= 0 && input.HasDatatype && !names.IsDatatypeOf(input.Index, fields.At(datatype)))
        {
            input.PendingDatatype = Encoding.UTF8.GetString(fields.At(datatype));
        }
        RequestChecks.Input(names.Contract, input, hasShape: true);
        if (input.Shape.Exists(size => size < 0))
        {
            throw RequestException.BadRequest($"input '{names.Contract.Inputs[input.Index].Name}' has shape [{string.Join(',', input.Shape)}]; a dimension is a whole number of at least 0");
        }
    }

    private static void ReadOutput(in ReadOnlySequence<byte> message, (int Start, int Length) part, ContractNames names, InferRequest request)
    {
        MessageFields fields = new(message, part);
        int index = -1;
        while (fields.Next(out int field, out WireType type))
        {
            if ((field, type) != (1, WireType.Bytes))
            {
                fields.Skip(type);
                continue;
            }
            (int Start, int Length) name = fields.Bytes();
            index = names.OutputOf(fields.At(name));
            if (index < 0)
            {
                throw RequestException.BadRequest($"output '{Encoding.UTF8.GetString(fields.At(name))}' is not an output of the model; it has {names.OutputNames}");
            }
        }
        request.Outputs.Add(index >= 0 ? new RequestOutput(index, null) : throw RequestException.BadRequest("an output has no name"));
    }

    private static void PlaceRaw(ModelContract contract, InferRequest request)
    {
        if (request.Raw.Count == 0)
        {
            foreach (RequestInput input in request.Inputs)
            {
                if (input.DataStart < 0 && !input.Shape.Contains(0))
                {
                    throw RequestException.BadRequest($"input '{contract.Inputs[input.Index].Name}' has neither contents nor raw_input_contents");
                }
                input.Form = DataForm.Contents;
            }
            return;
        }
        if (request.Raw.Count != request.Inputs.Count)
        {
            throw RequestException.BadRequest($"the request has {request.Inputs.Count} input(s) and {request.Raw.Count} raw_input_contents; it is one for each");
        }
        for (int i = 0; i < request.Inputs.Count; i++)
        {
            RequestInput input = request.Inputs[i];
            if (input.DataStart >= 0)
            {
                throw RequestException.BadRequest($"input '{contract.Inputs[input.Index].Name}' has contents, and the request has raw_input_contents; it is one or the other");
            }
            (input.Form, input.DataStart, input.DataLength) = (DataForm.Raw, request.Raw[i].Start, request.Raw[i].Length);
        }
    }

    private static bool HasOutputWithoutTypedForm(ModelContract contract, InferRequest request)
    {
        if (request.Outputs.Count == 0)
        {
            return contract.Outputs.Any(output => !TensorContents.Has(output.ElementType));
        }
        return request.Outputs.Exists(output => !TensorContents.Has(contract.Outputs[output.Index].ElementType));
    }
}
