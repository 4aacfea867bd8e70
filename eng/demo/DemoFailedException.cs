namespace EdgeFleet.Demo;

/// <summary>Something the demo needs did not happen; the message says what was seen instead.</summary>
internal sealed class DemoFailedException(string message) : Exception(message);
