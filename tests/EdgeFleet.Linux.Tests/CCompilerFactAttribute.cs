using EdgeFleet.Testing.Native;

namespace EdgeFleet.Linux.Tests;

/// <summary>A fact that needs a C compiler with the kernel's headers, and is skipped with the reason where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CCompilerFactAttribute : FactAttribute
{
    public CCompilerFactAttribute() => Skip = CCompiler.WhyNot;
}
