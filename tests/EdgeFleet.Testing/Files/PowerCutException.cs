namespace EdgeFleet.Testing.Files;

/// <summary>The power went away. Not an <see cref="IOException"/>: nothing in the product may catch it and go on.</summary>
public sealed class PowerCutException(string operation) : Exception($"the power was cut before: {operation}");
