using System.Reflection;

namespace EdgeFleet.Agent;

/// <summary>The version of this build, as it is told to the controller.</summary>
internal static class AgentVersion
{
    public static string Text { get; } =
        typeof(AgentVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
