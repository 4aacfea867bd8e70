using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>What a request has to fulfil whichever way it came: refused with the input's name, its value and what was expected.</summary>
internal static class RequestChecks
{
    /// <summary>Of one input, once it is read.</summary>
    /// <exception cref="RequestException">It does not fit the contract.</exception>
    public static void Input(ModelContract contract, RequestInput input, bool hasShape)
    {
        if (input.Index < 0)
        {
            throw RequestException.BadRequest("an input has no name");
        }
        TensorSpec spec = contract.Inputs[input.Index];
        if (!input.HasDatatype || (input.PendingDatatype is { } given && given != spec.ElementType))
        {
            throw RequestException.BadRequest(input.HasDatatype
                ? $"input '{spec.Name}' has datatype '{input.PendingDatatype}'; the model takes {spec.ElementType}"
                : $"input '{spec.Name}' has no datatype; the model takes {spec.ElementType}");
        }
        bool fits = hasShape && input.Shape.Count == spec.Shape.Count;
        for (int i = 0; fits && i < input.Shape.Count; i++)
        {
            fits = spec.Shape[i] < 0 || spec.Shape[i] == input.Shape[i];
        }
        if (!fits)
        {
            throw RequestException.BadRequest(hasShape
                ? $"input '{spec.Name}' has shape [{string.Join(',', input.Shape)}]; the model takes [{string.Join(',', spec.Shape)}]"
                : $"input '{spec.Name}' has no shape; the model takes [{string.Join(',', spec.Shape)}]");
        }
    }

    /// <summary>Of all inputs together.</summary>
    /// <param name="contract">What the model takes.</param>
    /// <param name="maximumBatch">Rows that an input may have whose first dimension is free.</param>
    /// <param name="request">The request, as read.</param>
    /// <exception cref="RequestException">One is missing, is there twice or has too many rows.</exception>
    public static void Inputs(ModelContract contract, int maximumBatch, InferRequest request)
    {
        foreach (RequestInput input in request.Inputs)
        {
            TensorSpec spec = contract.Inputs[input.Index];
            if (spec.Shape.Count > 0 && spec.Shape[0] < 0 && input.Shape[0] > maximumBatch)
            {
                throw RequestException.BadRequest($"input '{spec.Name}' has shape [{string.Join(',', input.Shape)}]; one request may have {maximumBatch} rows (the runner's --max-batch)");
            }
        }
        if (request.Inputs.Count != contract.Inputs.Count)
        {
            string missing = string.Join(", ", contract.Inputs.Where((_, i) => !request.Inputs.Exists(input => input.Index == i)).Select(input => $"'{input.Name}'"));
            throw RequestException.BadRequest($"the request has {request.Inputs.Count} input(s), the model takes {contract.Inputs.Count}{(missing.Length > 0 ? $"; missing: {missing}" : "")}");
        }
        for (int i = 1; i < request.Inputs.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (request.Inputs[j].Index == request.Inputs[i].Index)
                {
                    throw RequestException.BadRequest($"input '{contract.Inputs[request.Inputs[i].Index].Name}' is given twice");
                }
            }
        }
    }
}
