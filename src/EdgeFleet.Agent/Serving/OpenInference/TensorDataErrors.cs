namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>What can be wrong with an input's values, in the same words for every protocol.</summary>
internal static class TensorDataErrors
{
    public static RequestException TooMany(string inputName, int expected) =>
        RequestException.BadRequest($"input '{inputName}' has more than the {expected} values that its shape asks for");

    public static RequestException NotAValue(string inputName, string elementType, int index, string text) =>
        RequestException.BadRequest($"input '{inputName}' value {index} is '{text}', which is not {elementType}");

    /// <exception cref="RequestException">There are fewer.</exception>
    public static void CheckCount(string inputName, int count, int expected)
    {
        if (count != expected)
        {
            throw RequestException.BadRequest($"input '{inputName}' has {count} values; its shape asks for {expected}");
        }
    }
}
