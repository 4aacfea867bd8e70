namespace EdgeFleet.Inference.Tests;

public sealed class ProviderTests
{
    [Fact]
    public void The_processor_can_always_be_used()
    {
        Assert.Contains(InferenceRuntime.CpuProvider, InferenceRuntime.Providers);
        Assert.Null(InferenceRuntime.WhyNot(InferenceRuntime.CpuProvider));
    }

    [Fact]
    public void A_provider_that_is_listed_is_never_refused_for_its_name()
    {
        foreach (string provider in InferenceRuntime.Providers)
        {
            Assert.DoesNotContain("Unknown provider", InferenceRuntime.WhyNot(provider) ?? "", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_provider_that_is_not_listed_is_refused_with_those_that_are() =>
        Assert.Contains(InferenceRuntime.CpuProvider, InferenceRuntime.WhyNot("NoSuchExecutionProvider"), StringComparison.Ordinal);
}
