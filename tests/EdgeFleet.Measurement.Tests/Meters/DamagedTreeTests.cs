using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>Whatever a tree holds, nothing is thrown, and a figure is finite and not zero or absent with a reason.</summary>
public sealed class DamagedTreeTests
{
    private static readonly string[] s_texts = ["", "0", "-1", "NaN", "nan", "1e9", "32760 ma", "NC", "VDD_IN", "ina3221", "ina228", "Discharging", "Battery",
        "package-0", "psys", "9223372036854775807", "99999999999999999999", "\0\0\0", "\u00ff\u00fe text", new string('7', 5000), "4984\n1856", "Permission denied"];

    [Fact]
    public void A_tree_in_which_anything_is_wrong_gives_figures_or_reasons()
    {
        int figures = 0, reasons = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            Random random = new(seed);
            using TemporaryFolder folder = Tree(random.Next(5));
            ManualTimeProvider time = new();
            Damage(folder, random, random.Next(1, 6));
            using MeterSearch search = EnergyMeters.Find(new KernelFiles(folder.Path), time: time);
            Assert.All(search.Findings, finding => Assert.True(finding.Found || !string.IsNullOrWhiteSpace(finding.Reason), $"seed {seed}: {finding.Source}"));
            Assert.Equal(search.Meters.Count == 0, search.AbsentReason is not null);
            for (int round = 0; round < 3; round++)
            {
                foreach (IEnergyMeter meter in search.Meters)
                {
                    MeterReading reading = meter.Read();
                    bool absent = reading.AbsentReason is not null;
                    Assert.Equal(absent, reading.Watts is null && reading.Joules is null);
                    Assert.True(absent || double.IsFinite((reading.Watts ?? reading.Joules)!.Value), $"seed {seed}: {meter.Identity.Source}");
                    Assert.True(reading.Watts != 0, $"seed {seed}: {meter.Identity.Source} reads 0 W");
                    Assert.True(absent || Math.Abs((reading.Watts ?? reading.Joules)!.Value) < 1e5, $"seed {seed}: {meter.Identity.Source} reads {reading.Watts} W, {reading.Joules} J");
                    Assert.All(reading.Parts.ToArray(), part => Assert.True(part.Watts is null || Math.Abs(part.Watts.Value) <= 1e4));
                    _ = absent ? reasons++ : figures++;
                }
                Damage(folder, random, 2);
                time.Advance(TimeSpan.FromSeconds(1.5));
            }
        }
        // The control: the damage is neither without effect nor the end of everything.
        Assert.True(figures > 60 && reasons > 15, $"{figures} figures, {reasons} reasons");
    }

    private static TemporaryFolder Tree(int which)
    {
        TemporaryFolder folder = new();
        _ = which switch { 0 => folder.OrinNxModelled(), 1 => folder.AgxOrinModelled(deviceTree: false), 2 => folder.JetPack4NanoModelled(), 3 => folder.ThorModelled(), _ => folder };
        folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000).RaplModelled("intel-rapl:0:0", "core", 4_000_000);
        folder.Hwmon("sys/class/hwmon/hwmon7", "ina228", ("in1_input", "5000"), ("curr1_input", "1250"), ("power1_input", "6250000"), ("energy1_input", "777"), ("shunt_resistor", "10000"));
        folder.Hwmon("sys/class/power_supply/BAT0", "x", ("type", "Battery"), ("status", "Discharging"), ("current_now", "-900000"), ("voltage_now", "7400000"));
        return folder;
    }

    private static void Damage(TemporaryFolder folder, Random random, int times)
    {
        for (int i = 0; i < times; i++)
        {
            string[] files = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories);
            string file = files[random.Next(files.Length)];
            switch (random.Next(6))
            {
                case 0:
                    File.Delete(file);
                    break;
                case 1:
                    File.Delete(file);
                    Directory.CreateDirectory(file);
                    break;
                case 2:
                    File.Delete(file);
                    File.CreateSymbolicLink(file, file); // a link to itself: ELOOP
                    break;
                default:
                    File.Delete(file);
                    File.WriteAllText(file, s_texts[random.Next(s_texts.Length)]);
                    break;
            }
        }
    }
}
