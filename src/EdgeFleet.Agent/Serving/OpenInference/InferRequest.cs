namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>
/// What one inference request says, with its data left where it is in the body. One object per connection, used again for
/// each request, so that the hot path makes no garbage.
/// </summary>
internal sealed class InferRequest
{
    private readonly List<RequestInput> _spareInputs = [];

    public string? Id { get; set; }

    /// <summary>One per given input, in the order of the request; <see cref="RequestInput.Index"/> says which of the contract.</summary>
    public List<RequestInput> Inputs { get; } = [];

    /// <summary>The outputs that were asked for, as indices into the contract; empty means all.</summary>
    public List<RequestOutput> Outputs { get; } = [];

    /// <summary>How outputs go that do not say so themselves: the <c>binary_data_output</c> parameter, or what gRPC's request is like.</summary>
    public bool BinaryByDefault { get; set; }

    /// <summary>Where gRPC's raw contents lie in the message, in the order of the inputs.</summary>
    public List<(int Start, int Length)> Raw { get; } = [];

    /// <summary>
    /// Where the request's own parameters lie in the message: REST's JSON object, from behind its key, or the entries of gRPC's map.
    /// They are read when the request is sampled.
    /// </summary>
    public List<(int Start, int Length)> Parameters { get; } = [];

    /// <summary>They are gRPC's.</summary>
    public bool ParametersAreMessages { get; set; }

    public void Clear()
    {
        Id = null;
        Parameters.Clear();
        ParametersAreMessages = false;
        BinaryByDefault = false;
        Outputs.Clear();
        Raw.Clear();
        _spareInputs.AddRange(Inputs);
        Inputs.Clear();
    }

    public RequestInput AddInput()
    {
        RequestInput input;
        if (_spareInputs.Count > 0)
        {
            input = _spareInputs[^1];
            _spareInputs.RemoveAt(_spareInputs.Count - 1);
            input.Clear();
        }
        else
        {
            input = new RequestInput();
        }
        Inputs.Add(input);
        return input;
    }
}

/// <summary>One input of a request.</summary>
internal sealed class RequestInput
{
    /// <summary>Which input of the contract; -1 until its name was read.</summary>
    public int Index { get; set; } = -1;

    public List<long> Shape { get; } = [];

    /// <summary>The datatype is the contract's (another one is an error at once).</summary>
    public bool HasDatatype { get; set; }

    /// <summary>The datatype as given, kept only while the name that it belongs to is not known yet.</summary>
    public string? PendingDatatype { get; set; }

    /// <summary>The bytes of the input that follow the JSON header, or -1 for data inside the JSON.</summary>
    public long BinarySize { get; set; } = -1;

    /// <summary>Where in the body its data begins; -1 for none.</summary>
    public int DataStart { get; set; } = -1;

    public DataForm Form { get; set; }

    public int DataLength { get; set; }

    public void Clear()
    {
        Index = -1;
        Shape.Clear();
        HasDatatype = false;
        PendingDatatype = null;
        BinarySize = -1;
        DataStart = -1;
        DataLength = 0;
        Form = DataForm.JsonArray;
    }
}

/// <summary>What the bytes of an input's data are.</summary>
internal enum DataForm
{
    /// <summary>An array in the JSON.</summary>
    JsonArray,

    /// <summary>The values themselves, behind the JSON.</summary>
    Binary,

    /// <summary>The values themselves, as gRPC's raw_input_contents.</summary>
    Raw,

    /// <summary>gRPC's whole input tensor; its typed contents are within.</summary>
    Contents,
}

/// <summary>One output that a request asks for. <paramref name="Binary"/> is null where the request's default counts.</summary>
internal readonly record struct RequestOutput(int Index, bool? Binary);
