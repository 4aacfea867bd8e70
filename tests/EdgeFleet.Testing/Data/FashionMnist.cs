namespace EdgeFleet.Testing.Data;

/// <summary>The example's data, which `make setup` installs.</summary>
public static class FashionMnist
{
    private const string Probe = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";

    /// <summary>A test that measures on real data fails without it; passing unmeasured would say more than is known.</summary>
    public static void Require()
    {
        if (!File.Exists(Probe))
        {
            throw new InvalidOperationException($"'{Probe}' does not exist: install the Debian package dataset-fashion-mnist ('make setup' does)");
        }
    }
}
