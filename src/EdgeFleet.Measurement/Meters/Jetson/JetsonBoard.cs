namespace EdgeFleet.Measurement.Meters.Jetson;

/// <summary>What one kind of Jetson adds up to its total. "Total power" is a rule of the board, never the sum of what is there.</summary>
/// <param name="Modules">Parts of the device tree's <c>compatible</c>: module numbers, and for mainline trees those of the developer kit.</param>
/// <param name="Models">Parts of the device tree's <c>model</c>, for trees without the other; lower case.</param>
/// <param name="Total">Labels of the rails that are added.</param>
/// <param name="Addresses">Where the chips with these rails are, as the end of the I2C address: a carrier may have others.</param>
/// <param name="ShuntOhms">For drivers that do not say; null where it is not known.</param>
/// <param name="ByRails">A tree that names no board is this one when it has all rails of the total.</param>
internal sealed record JetsonBoard(string Name, string[] Modules, string[] Models, string[] Total, string[] Addresses, double? ShuntOhms, bool ByRails = false)
{
    /// <summary>The carrier's INA238 at the board's input, instead of rails of an INA3221.</summary>
    public bool TotalIsIna238 { get; init; }

    /// <summary>
    /// NVIDIA's developer guides and device trees. AGX Orin's carrier (CVB_…) is not in its sum: its sensors sit only on the
    /// industrial module's board. Shunts of the Orins from the kernel's device tree (J. Hunter, 2023-09-21).
    /// </summary>
    public static IReadOnlyList<JetsonBoard> All { get; } =
    [
        new("Jetson Orin NX or Orin Nano", ["p3767"], ["orin nx", "orin nano"], ["VDD_IN"], ["-0040"], 0.005),
        new("Jetson AGX Orin", ["p3701"], ["agx orin"], ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"], ["-0040", "-0041"], 0.002, ByRails: true),
        new("Jetson Thor", ["p3834", "p4071"], ["thor"], ["VIN"], [], null) { TotalIsIna238 = true },
        new("Jetson Xavier NX", ["p3668"], ["xavier nx"], ["VDD_IN"], ["-0040"], 0.005),
        new("Jetson AGX Xavier", ["p2888", "p2972"], ["agx xavier"], ["GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"], ["-0040", "-0041"], null, ByRails: true),
        new("Jetson TX2", ["p3310", "p3489", "p3636", "p2771"], ["tx2"], ["VDD_IN"], ["-0041", "-0040"], null),
        new("Jetson TX1", ["p2180", "p2371-2180"], ["tx1"], ["VDD_IN"], ["-0040"], null),
        new("Jetson Nano", ["p3448", "p3450"], ["jetson nano"], ["POM_5V_IN"], ["-0040"], 0.005),
    ];

    /// <summary>Labels that alone mean the input of a whole board.</summary>
    public static IReadOnlyList<string> InputLabels { get; } = ["VDD_IN", "POM_5V_IN"];
}
