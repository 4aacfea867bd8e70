using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Conditions;

/// <summary>Device trees written from driver documentation; nobody captured them from a device.</summary>
internal static class ModelledDevices
{
    public static void OrinNx(TemporaryFolder folder)
    {
        folder.Write("sys/class/hwmon/hwmon1/name", "ina3221\n");
        folder.Write("sys/class/hwmon/hwmon3/name", "soctherm_oc\n");
        folder.Write("sys/class/hwmon/hwmon3/oc1_event_cnt", "0\n");
        folder.Write("sys/class/hwmon/hwmon3/oc2_event_cnt", "0\n");
        folder.Write("sys/class/hwmon/hwmon3/oc3_event_cnt", "27390\n");
        folder.Write("sys/class/hwmon/hwmon3/oc3_throt_en", "1\n");
        folder.Write("var/lib/nvpmodel/status", "pmode:0002\n");
        folder.Write("etc/nvpmodel.conf", "# modes\n< PARAM TYPE=CLOCK NAME=GPU >\n< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL NAME=MAXN_SUPER ID=2 >\n< PM_CONFIG DEFAULT=2 >\n");
        Zone(folder, 0, "cpu-thermal", "48250", ("passive", "99000"), ("critical", "104500"));
        Zone(folder, 1, "cv0-thermal", "-256000");
        Zone(folder, 2, "PMIC-Die", "100000");
        Zone(folder, 3, "tj-thermal", "49500", ("active", "51000"));
        Cooler(folder, 0, "pwm-fan", "2");
        Cooler(folder, 1, "cpufreq-cpu0", "0");
        Cooler(folder, 2, "devfreq-17000000.gpu", "0");
        Cpu(folder, 0, "1984000", "1984000");
        folder.Write("sys/class/devfreq/17000000.gpu/cur_freq", "1020000000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/min_freq", "306000000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/max_freq", "1020000000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/governor", "nvhost_podgov\n");
        folder.Write("sys/class/devfreq/15340000.vic/cur_freq", "115200000\n");
        folder.Write("sys/kernel/debug/bpmp/debug/clk/emc/rate", "3199000000\n");
    }

    public static void RaspberryPi4(TemporaryFolder folder, string throttled)
    {
        folder.Write("sys/devices/platform/soc/soc:firmware/get_throttled", throttled + "\n");
        folder.Write("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
        folder.Write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n");
        Zone(folder, 0, "cpu-thermal", "61822", ("critical", "110000"));
    }

    public static void Zone(TemporaryFolder folder, int number, string type, string temperature, params (string Type, string Temperature)[] trips)
    {
        string zone = $"sys/class/thermal/thermal_zone{number}";
        folder.Write($"{zone}/type", type + "\n");
        folder.Write($"{zone}/temp", temperature + "\n");
        for (int i = 0; i < trips.Length; i++)
        {
            folder.Write($"{zone}/trip_point_{i}_type", trips[i].Type + "\n");
            folder.Write($"{zone}/trip_point_{i}_temp", trips[i].Temperature + "\n");
        }
    }

    public static void Cooler(TemporaryFolder folder, int number, string type, string state)
    {
        folder.Write($"sys/class/thermal/cooling_device{number}/type", type + "\n");
        folder.Write($"sys/class/thermal/cooling_device{number}/cur_state", state + "\n");
        folder.Write($"sys/class/thermal/cooling_device{number}/max_state", "4\n");
    }

    public static void Cpu(TemporaryFolder folder, int cpu, string requested, string actual)
    {
        string clock = $"sys/devices/system/cpu/cpu{cpu}/cpufreq";
        folder.Write($"{clock}/scaling_cur_freq", requested + "\n");
        folder.Write($"{clock}/cpuinfo_cur_freq", actual + "\n");
        folder.Write($"{clock}/scaling_governor", "schedutil\n");
        folder.Write($"{clock}/scaling_min_freq", "729600\n");
        folder.Write($"{clock}/scaling_max_freq", "1984000\n");
        folder.Write($"{clock}/cpuinfo_max_freq", "1984000\n");
    }
}
