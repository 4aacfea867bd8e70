namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>A test that needs a program of the system; without it it is skipped and says which.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsProgramFactAttribute : FactAttribute
{
    public NeedsProgramFactAttribute(string program)
    {
        bool found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Join(folder, program)));
        Skip = found ? null : $"there is no {program} here (Debian: the package of that name)";
    }
}
