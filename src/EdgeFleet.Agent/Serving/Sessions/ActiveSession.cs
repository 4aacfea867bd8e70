using System.Buffers;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// One digest that answers requests, with its counters. Requests enter and leave; after <see cref="Retire"/> none enters,
/// and the last that leaves frees the model. So a swap fails no request: each is answered by the session it entered.
/// </summary>
internal sealed class ActiveSession
{
    /// <summary>Shapes that keep their buffers, for a model with free dimensions. Others are served without.</summary>
    private const int MaximumShapes = 8;

    private readonly LoadedModel _loaded;
    private readonly int _concurrency;
    private readonly bool _fixedShapes;
    private CallPool[] _pools;
    private bool _outputsVary;
    private long _users = 1;

    public ActiveSession(Digest digest, LoadedModel loaded, ModelContract contract, int concurrency, DateTimeOffset since, long sinceTimestamp)
    {
        Digest = digest;
        Version = digest.ToString();
        _loaded = loaded;
        _concurrency = concurrency;
        Names = new ContractNames(contract);
        Since = since;
        SinceTimestamp = sinceTimestamp;
        _fixedShapes = loaded.Contract.Inputs.All(input => input.Shape.All(size => size >= 0));
        _pools = _fixedShapes ? [NewPool([.. loaded.Contract.Inputs.Select(input => input.Shape)])] : [];
    }

    public required string ModelName { get; init; }

    public Digest Digest { get; }

    /// <summary>The digest's text, as answers carry it.</summary>
    public string Version { get; }

    public ContractNames Names { get; }

    public DateTimeOffset Since { get; }

    public long SinceTimestamp { get; }

    public SessionCounters Counters { get; } = new();

    /// <summary>Makes the buffers of the first request before it comes, where the model says what its shapes are.</summary>
    public void PrepareFirst()
    {
        if (_fixedShapes)
        {
            try
            {
                _pools[0].Return(_pools[0].Rent());
            }
            catch (InferenceException)
            {
                // It does not take zeros; its requests find out for themselves.
                return;
            }
        }
    }

    public bool TryEnter()
    {
        long users = Volatile.Read(ref _users);
        while (users > 0)
        {
            long seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }
            users = seen;
        }
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            foreach (CallPool pool in _pools)
            {
                pool.Dispose();
            }
            _loaded.Dispose();
        }
    }

    /// <summary>Gives up the owner's own entry, once.</summary>
    public void Retire() => Leave();

    /// <summary>Runs the request and writes its outputs into the response. The caller has entered.</summary>
    /// <returns>What is wrong with the answer, which is written and counted all the same.</returns>
    /// <exception cref="RequestException">The data does not fit.</exception>
    /// <exception cref="InferenceException">The model failed on a request that fits its contract.</exception>
    public AnswerFault Execute(InferRequest request, in ReadOnlySequence<byte> body, IInferResponse response, SampleTap? tap)
    {
        if (!Volatile.Read(ref _outputsVary) && PoolFor(request) is { } pool && TryExecutePrepared(pool, request, body, response, tap) is { } fault)
        {
            return fault;
        }
        return ExecuteOnce(request, body, response);
    }

    /// <summary>
    /// Asked when a request failed. What an application sends must not take a model back: an index that no table has is its
    /// own fault as long as the model goes on answering. A candidate that takes less than its baseline shows in the shadow.
    /// </summary>
    public bool AnswersAnInputOfOurs()
    {
        try
        {
            _loaded.Run(SyntheticInputs.For(_loaded.Contract, seed: 1));
            return true;
        }
        catch (InferenceException)
        {
            return false;
        }
    }

    /// <summary>The hot path. Null when the outputs turned out to have other shapes than the buffers: then they vary.</summary>
    private AnswerFault? TryExecutePrepared(CallPool pool, InferRequest request, in ReadOnlySequence<byte> body, IInferResponse response, SampleTap? tap)
    {
        PreparedCall call;
        try
        {
            call = pool.Rent();
        }
        catch (InferenceException)
        {
            // Preparing runs the model on zeros, which a model may refuse though it takes the request's values.
            return null;
        }
        try
        {
            foreach (RequestInput input in request.Inputs)
            {
                Fill(call.Inputs[input.Index].Bytes, input, body);
            }
            tap?.Offer(call.Inputs, request, body);
            try
            {
                call.Invoke();
            }
            catch (InferenceException) when (Names.Contract.Outputs.Any(output => output.Shape.Any(size => size < 0)))
            {
                // Either the shapes vary with the values or the model failed; running without buffers tells which.
                return null;
            }
            AnswerFault fault = AnswerFault.None;
            response.Begin(ModelName, Version, request.Id);
            if (request.Outputs.Count == 0)
            {
                for (int i = 0; i < call.Outputs.Count; i++)
                {
                    fault = Worse(fault, Answer(response, i, call.Outputs[i].Shape, call.Outputs[i].Bytes, request.BinaryByDefault));
                }
            }
            else
            {
                foreach (RequestOutput output in request.Outputs)
                {
                    PreparedTensor tensor = call.Outputs[output.Index];
                    fault = Worse(fault, Answer(response, output.Index, tensor.Shape, tensor.Bytes, output.Binary ?? request.BinaryByDefault));
                }
            }
            response.End();
            return fault == AnswerFault.NonFinite
                ? NonFinite(call.Inputs.All(input => TensorChecks.AllFinite(input.Spec.ElementType, input.Bytes)))
                : fault;
        }
        finally
        {
            pool.Return(call);
        }
    }

    private AnswerFault ExecuteOnce(InferRequest request, in ReadOnlySequence<byte> body, IInferResponse response)
    {
        List<Tensor> inputs = [];
        foreach (RequestInput input in request.Inputs)
        {
            TensorSpec spec = Names.Contract.Inputs[input.Index];
            byte[] data = new byte[ByteCountOf(spec, input)];
            Fill(data, input, body);
            inputs.Add(new Tensor(spec.Name, spec.ElementType, [.. input.Shape], data));
        }
        List<RequestOutput> wanted = request.Outputs.Count > 0 ? request.Outputs : [.. Names.Contract.Outputs.Select((_, i) => new RequestOutput(i, null))];
        IReadOnlyList<Tensor> outputs = _loaded.Run(inputs, [.. wanted.Select(output => Names.Contract.Outputs[output.Index].Name)]);
        if (PoolFor(request) is not null)
        {
            Volatile.Write(ref _outputsVary, true);
        }
        AnswerFault fault = AnswerFault.None;
        response.Begin(ModelName, Version, request.Id);
        for (int i = 0; i < wanted.Count; i++)
        {
            fault = Worse(fault, Answer(response, wanted[i].Index, outputs[i].Shape, outputs[i].Data.Span, wanted[i].Binary ?? request.BinaryByDefault));
        }
        response.End();
        return fault == AnswerFault.NonFinite ? NonFinite(inputs.All(input => TensorChecks.AllFinite(input.ElementType, input.Data.Span))) : fault;
    }

    /// <summary>An application that asks with what is no number gets what it asked for; the model is not to blame.</summary>
    private AnswerFault NonFinite(bool inputsFinite)
    {
        if (!inputsFinite)
        {
            return AnswerFault.None;
        }
        Counters.AddNonFinite();
        return AnswerFault.NonFinite;
    }

    /// <summary>A wrong shape is the model's doing whatever it was asked, so it is what is told of the two.</summary>
    private static AnswerFault Worse(AnswerFault one, AnswerFault other) => one > other ? one : other;

    private AnswerFault Answer(IInferResponse response, int index, IReadOnlyList<long> shape, ReadOnlySpan<byte> data, bool binary)
    {
        TensorSpec spec = Names.Contract.Outputs[index];
        bool allowed = ContractChecks.Allows(spec, shape);
        if (!allowed)
        {
            Counters.AddWrongShape();
        }
        response.Add(spec, shape, data, binary);
        return !allowed ? AnswerFault.WrongShape : TensorChecks.AllFinite(spec.ElementType, data) ? AnswerFault.None : AnswerFault.NonFinite;
    }

    /// <summary>From where the server received it to where the model reads it: the one copy that a binary input takes.</summary>
    private void Fill(Span<byte> target, RequestInput input, in ReadOnlySequence<byte> body)
    {
        TensorSpec spec = Names.Contract.Inputs[input.Index];
        ReadOnlySequence<byte> data = input.DataLength == 0 ? ReadOnlySequence<byte>.Empty : body.Slice(input.DataStart, input.DataLength);
        switch (input.Form)
        {
            case DataForm.JsonArray:
                JsonTensorData.Read(data.FirstSpan, spec.Name, spec.ElementType, target);
                break;
            case DataForm.Contents:
                TensorContents.Read(data, spec.Name, spec.ElementType, target);
                break;
            default:
                if (data.Length != target.Length)
                {
                    string said = input.Form == DataForm.Raw ? "raw_input_contents of" : "binary_data_size";
                    throw RequestException.BadRequest($"input '{spec.Name}' has {said} {data.Length}; {spec.ElementType}[{string.Join(',', input.Shape)}] has {target.Length} bytes");
                }
                data.CopyTo(target);
                break;
        }
    }

    private CallPool? PoolFor(InferRequest request)
    {
        CallPool[] pools = Volatile.Read(ref _pools);
        if (_fixedShapes)
        {
            return pools[0];
        }
        foreach (CallPool pool in pools)
        {
            if (pool.Fits(request.Inputs))
            {
                return pool;
            }
        }
        if (pools.Length >= MaximumShapes)
        {
            return null;
        }
        IReadOnlyList<long>[] shapes = new IReadOnlyList<long>[request.Inputs.Count];
        foreach (RequestInput input in request.Inputs)
        {
            _ = ByteCountOf(Names.Contract.Inputs[input.Index], input);
            shapes[input.Index] = [.. input.Shape];
        }
        CallPool added = NewPool(shapes);
        // Two first requests of one shape may both add it; the loser's pool is empty and is simply not kept.
        return Interlocked.CompareExchange(ref _pools, [.. pools, added], pools) == pools ? added : PoolFor(request);
    }

    private CallPool NewPool(IReadOnlyList<IReadOnlyList<long>> shapes) => new(_loaded, shapes, _concurrency);

    /// <summary>
    /// What a free dimension asks for must be there before memory is taken for it. One value has at least two bytes as JSON
    /// and one in protobuf, so a short request cannot ask for a large buffer.
    /// </summary>
    private static int ByteCountOf(TensorSpec spec, RequestInput input)
    {
        Int128 elements = 1;
        foreach (long size in input.Shape)
        {
            elements *= size;
            if (elements > int.MaxValue)
            {
                break;
            }
        }
        Int128 bytes = elements * ElementTypes.WidthOf(spec.ElementType);
        bool there = input.Form switch
        {
            DataForm.JsonArray => elements * 2 <= (Int128)input.DataLength + 2,
            DataForm.Contents => elements <= input.DataLength,
            _ => bytes == input.DataLength,
        };
        return there
            ? (int)bytes
            : throw RequestException.BadRequest($"input '{spec.Name}' has shape [{string.Join(',', input.Shape)}], {bytes} bytes as {spec.ElementType}; the request brings {input.DataLength} {(input.Form == DataForm.JsonArray ? "characters of data" : "bytes")}");
    }
}
