using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Cli.Tests.Doctor;

/// <summary>
/// An Orin Nano written from driver documentation (ina3221, soctherm_oc, thermal, cpufreq, devfreq, nvpmodel). Nobody captured
/// it from a board: hence modelled.
/// </summary>
internal static class ModelledOrinNano
{
    public const string Rails = "/sys/bus/i2c/devices/1-0040/hwmon/hwmon1";

    public static TemporaryFolder Write(TemporaryFolder folder)
    {
        folder.Write("proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0");
        folder.Write("proc/device-tree/compatible", "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0");
        folder.Write("proc/sys/kernel/osrelease", "5.15.148-tegra\n");
        folder.Write("proc/sys/kernel/perf_event_paranoid", "2\n");
        folder.Write("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nVmHWM:\t  40960 kB\n");
        folder.Write("proc/self/cgroup", "0::/user.slice/x.scope\n");
        folder.Write("proc/self/mountinfo", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        folder.Write("sys/fs/cgroup/user.slice/x.scope/memory.current", "1048576\n");
        folder.Write("proc/meminfo", "MemTotal:        7802876 kB\nMemAvailable:    6000000 kB\nNvMapMemUsed:     1024 kB\n");
        folder.Write("etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n");
        folder.Write("var/lib/nvpmodel/status", "pmode:0000\n");
        folder.Write("etc/nvpmodel.conf", "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n");
        folder.Write("sys/bus/i2c/devices/1-0040/name", "ina3221\n");
        folder.Write($"{Rails}/name", "ina3221\n");
        (string Label, int MilliVolts, int MilliAmps)[] rails = [("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320)];
        for (int i = 1; i <= rails.Length; i++)
        {
            folder.Write($"{Rails}/in{i}_label", $"{rails[i - 1].Label}\n");
            folder.Write($"{Rails}/in{i}_input", $"{rails[i - 1].MilliVolts}\n");
            folder.Write($"{Rails}/in{i}_enable", "1\n");
            folder.Write($"{Rails}/curr{i}_input", $"{rails[i - 1].MilliAmps}\n");
            folder.Write($"{Rails}/shunt{i}_resistor", "5000\n");
        }
        folder.Write("sys/class/hwmon/hwmon4/name", "soctherm_oc\n");
        folder.Write("sys/class/hwmon/hwmon4/oc1_event_cnt", "0\n");
        folder.Write("sys/class/hwmon/hwmon4/oc3_event_cnt", "2\n");
        folder.Write("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
        folder.Write("sys/class/thermal/thermal_zone0/temp", "48250\n");
        folder.Write("sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n");
        folder.Write("sys/class/thermal/thermal_zone0/trip_point_0_temp", "99000\n");
        folder.Write("sys/class/thermal/thermal_zone1/type", "gpu-thermal\n");
        for (int cpu = 0; cpu < 6; cpu++)
        {
            string clock = $"sys/devices/system/cpu/cpu{cpu}/cpufreq";
            folder.Write($"{clock}/scaling_governor", "schedutil\n");
            folder.Write($"{clock}/scaling_cur_freq", "729600\n");
            folder.Write($"{clock}/scaling_min_freq", "729600\n");
            folder.Write($"{clock}/scaling_max_freq", "1510400\n");
            folder.Write($"{clock}/cpuinfo_max_freq", "1510400\n");
        }
        folder.Write("sys/class/devfreq/17000000.gpu/cur_freq", "306000000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/min_freq", "306000000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/max_freq", "624750000\n");
        folder.Write("sys/class/devfreq/17000000.gpu/governor", "nvhost_podgov\n");
        folder.Write("sys/bus/event_source/devices/armv8_cortex_a78/type", "8\n");
        folder.Write("sys/bus/gpio/devices/gpiochip0/of_node/name", "gpio\n");
        return folder;
    }

    /// <summary>What such a board answers besides.</summary>
    public static Dictionary<string, DeviceAnswer> Answers { get; } = new()
    {
        ["open /dev/gpiochip0"] = DeviceAnswer.Failed(Errno.Eacces),
        ["reset of the peak"] = DeviceAnswer.Of(""),
        ["perf_event_open 0 0x0"] = DeviceAnswer.Of(""),
        ["perf_event_open 0 0x1"] = DeviceAnswer.Of(""),
        ["perf_event_open 0 0x2"] = DeviceAnswer.Failed(Errno.Enoent),
        ["ONNX Runtime version"] = DeviceAnswer.Of("1.29.0"),
        ["ONNX Runtime library"] = DeviceAnswer.Of("beside the program"),
        ["ONNX Runtime providers"] = DeviceAnswer.Of("CUDAExecutionProvider CPUExecutionProvider"),
        ["ONNX Runtime provider CUDAExecutionProvider"] = DeviceAnswer.Of("Failed to load shared library"),
        ["ONNX Runtime provider CPUExecutionProvider"] = DeviceAnswer.Of(""),
    };
}
