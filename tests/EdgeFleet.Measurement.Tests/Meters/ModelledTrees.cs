using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>
/// Device trees written from driver documentation and published log lines. Nobody captured them from a board: hence modelled,
/// every one.
/// </summary>
internal static class ModelledTrees
{
    public const string OrinNxChip = "/sys/bus/i2c/devices/1-0040/hwmon/hwmon1";

    /// <summary>4984 mV * 1856 mA = 9250.304 mW; one step of 8 mA at 4.984 V = 39.872 mW.</summary>
    public static TemporaryFolder OrinNxModelled(this TemporaryFolder folder, bool deviceTree = true)
    {
        if (deviceTree)
        {
            folder.Write("proc/device-tree/compatible", "nvidia,p3768-0000+p3767-0000\0nvidia,p3767-0000\0nvidia,tegra234\0");
        }
        folder.Write("sys/bus/i2c/devices/1-0040/name", "ina3221\n");
        folder.Ina3221("sys/bus/i2c/devices/1-0040/hwmon/hwmon1", 5000, ("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320));
        folder.Write("sys/bus/i2c/devices/1-0040/hwmon/hwmon1/in7_label", "sum of shunt voltages\n");
        folder.Write("sys/bus/i2c/devices/1-0040/hwmon/hwmon1/in7_input", "14080\n");
        folder.Write("sys/bus/i2c/devices/1-0040/hwmon/hwmon1/curr4_input", "2816\n");
        return folder;
    }

    /// <summary>A published tegrastats line of a developer kit: 3150, 14312 and 4968 mW are 8, 36 and 50 steps of 20 mA.</summary>
    public static TemporaryFolder AgxOrinModelled(this TemporaryFolder folder, bool deviceTree = true)
    {
        if (deviceTree)
        {
            folder.Write("proc/device-tree/compatible", "nvidia,p3737-0000+p3701-0000\0nvidia,p3701-0000\0nvidia,tegra234\0");
        }
        folder.Write("sys/bus/i2c/devices/1-0040/name", "ina3221\n");
        folder.Write("sys/bus/i2c/devices/1-0041/name", "ina3221\n");
        folder.Ina3221("sys/bus/i2c/devices/1-0040/hwmon/hwmon3", 2000, ("VDD_GPU_SOC", 19688, 160), ("VDD_CPU_CV", 19878, 720), ("VIN_SYS_5V0", 4968, 1000));
        folder.Ina3221("sys/bus/i2c/devices/1-0041/hwmon/hwmon4", 2000, ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 19880, 100), ("NC", 0, 0));
        return folder;
    }

    public static TemporaryFolder JetPack4NanoModelled(this TemporaryFolder folder, string device = "sys/bus/i2c/devices/6-0040/iio:device0")
    {
        folder.Write("proc/device-tree/compatible", "nvidia,p3449-0000-b00+p3448-0000-b00\0nvidia,jetson-nano\0nvidia,tegra210\0");
        folder.Write("sys/bus/i2c/devices/6-0040/name", "ina3221x\n");
        folder.Write($"{device}/name", "ina3221x\n");
        (string Name, int Volts, int Amps)[] rails = [("POM_5V_IN", 4992, 624), ("POM_5V_GPU", 4992, 24), ("POM_5V_CPU", 4984, 136)];
        for (int i = 0; i < rails.Length; i++)
        {
            folder.Write($"{device}/rail_name_{i}", $"{rails[i].Name}\n");
            folder.Write($"{device}/in_voltage{i}_input", $"{rails[i].Volts}\n");
            folder.Write($"{device}/in_current{i}_input", $"{rails[i].Amps}\n");
            folder.Write($"{device}/in_power{i}_input", $"{rails[i].Volts * rails[i].Amps / 1000}\n");
            folder.Write($"{device}/crit_current_limit_{i}", "32760 ma\n");
        }
        return folder;
    }

    public static TemporaryFolder ThorModelled(this TemporaryFolder folder)
    {
        folder.Write("proc/device-tree/compatible", "nvidia,p4071-0000+p3834-0008\0nvidia,p3834-0008\0nvidia,tegra264\0");
        folder.Write("sys/bus/i2c/devices/2-0044/name", "ina238\n");
        folder.Hwmon("sys/bus/i2c/devices/2-0044/hwmon/hwmon5", "ina238", ("in1_input", "11994"), ("curr1_input", "2401"), ("power1_input", "28797000"), ("shunt_resistor", "2000"));
        folder.Write("sys/bus/i2c/devices/1-0040/name", "ina3221\n");
        folder.Ina3221("sys/bus/i2c/devices/1-0040/hwmon/hwmon4", 2000, ("VDD_GPU", 11990, 300), ("VDD_CPU_SOC_MSS", 11990, 500), ("VIN_SYS_5V0", 5000, 600));
        return folder;
    }

    public static TemporaryFolder RaplModelled(this TemporaryFolder folder, string zone, string name, long microJoules, string? range = "262143328850")
    {
        folder.Write($"sys/class/powercap/{zone}/name", $"{name}\n");
        folder.Write($"sys/class/powercap/{zone}/energy_uj", $"{microJoules}\n");
        if (range is not null)
        {
            folder.Write($"sys/class/powercap/{zone}/max_energy_range_uj", $"{range}\n");
        }
        return folder;
    }

    /// <summary>
    /// Twelve rails of a Raspberry Pi 5 with the sums of touchkio #35: 3.5070 W, VDD_CORE 1.3707 W, memory 0.1465 W. The
    /// currents of the other rails are made up so that they add up to that.
    /// </summary>
    public const string PmicModelled = """
           3V7_WL_SW_A current(0)=0.02342232A
             3V3_SYS_A current(1)=0.27735596A
             1V8_SYS_A current(2)=0.24300660A
            DDR_VDD2_A current(3)=0.13282000A
            DDR_VDDQ_A current(4)=0.00000000A
             1V1_SYS_A current(5)=0.18640260A
              0V8_SW_A current(6)=0.32791250A
            VDD_CORE_A current(7)=1.54489000A
             3V3_DAC_A current(17)=0.00036630A
             3V3_ADC_A current(18)=0.00042735A
             0V8_AON_A current(16)=0.00579975A
                HDMI_A current(22)=0.01367520A
           3V7_WL_SW_V volt(8)=3.71740800V
             3V3_SYS_V volt(9)=3.31745700V
             1V8_SYS_V volt(10)=1.79828900V
            DDR_VDD2_V volt(11)=1.10292900V
            DDR_VDDQ_V volt(12)=0.60476130V
             1V1_SYS_V volt(13)=1.10439400V
              0V8_SW_V volt(14)=0.80256330V
            VDD_CORE_V volt(15)=0.88725180V
             3V3_DAC_V volt(20)=3.30494200V
             3V3_ADC_V volt(21)=3.30219400V
             0V8_AON_V volt(19)=0.79736190V
                HDMI_V volt(23)=5.07056000V
               EXT5V_V volt(24)=5.06788000V
                BATT_V volt(25)=3.01110800V

        """;

    public static void Ina3221(this TemporaryFolder folder, string hwmon, int shuntMicroOhms, params (string Label, int MilliVolts, int MilliAmps)[] rails)
    {
        folder.Write($"{hwmon}/name", "ina3221\n");
        for (int i = 0; i < rails.Length; i++)
        {
            folder.Write($"{hwmon}/in{i + 1}_label", $"{rails[i].Label}\n");
            folder.Write($"{hwmon}/in{i + 1}_input", $"{rails[i].MilliVolts}\n");
            folder.Write($"{hwmon}/curr{i + 1}_input", $"{rails[i].MilliAmps}\n");
            folder.Write($"{hwmon}/in{i + 1}_enable", "1\n");
            folder.Write($"{hwmon}/shunt{i + 1}_resistor", $"{shuntMicroOhms}\n");
        }
    }

    public static void Hwmon(this TemporaryFolder folder, string hwmon, string name, params (string File, string Text)[] files)
    {
        folder.Write($"{hwmon}/name", $"{name}\n");
        foreach ((string file, string text) in files)
        {
            folder.Write($"{hwmon}/{file}", $"{text}\n");
        }
    }
}
