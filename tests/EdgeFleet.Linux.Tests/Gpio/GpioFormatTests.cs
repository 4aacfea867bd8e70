using EdgeFleet.Linux.Gpio;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Native;

namespace EdgeFleet.Linux.Tests.Gpio;

public sealed class GpioFormatTests
{
    private const string Seventeen = "11000000", EdgeFleet = "65646765666c656574";

    [Fact]
    public void An_output_request_has_its_bytes_where_the_documented_layout_has_them()
    {
        string expected = Seventeen + Zeros(63 * 4) + EdgeFleet + Zeros(32 - 9)
            + "0800000000000000" + "01000000" + Zeros(20) + "0200000000000000" + "0100000000000000" + "0100000000000000" + Zeros(9 * 24)
            + "01000000" + Zeros(28);

        Assert.Equal(expected, Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteOutputRequest(request, 17, "edgefleet")));
    }

    [Fact]
    public void A_button_request_carries_its_debounce_in_microseconds()
    {
        string hex = Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteButtonRequest(request, 3, "b", TimeSpan.FromMilliseconds(20)));

        // Attribute 3 (debounce), 20,000 us, for the first line.
        Assert.Equal("3401000000000000" + "01000000" + Zeros(20) + "0300000000000000" + "204e000000000000" + "0100000000000000", hex.Substring(2 * 288, 2 * 56));
    }

    [Fact]
    public void A_button_without_debounce_has_no_attribute()
    {
        string hex = Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteButtonRequest(request, 3, "b", TimeSpan.Zero));

        // Flags: input, both edges, pull-up; then no attributes.
        Assert.Equal("3401000000000000" + "00000000", hex.Substring(2 * 288, 24));
    }

    [Fact]
    public void A_name_of_the_full_length_leaves_its_terminator_and_a_longer_one_is_refused()
    {
        Assert.Equal("3100", Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteOutputRequest(request, 0, new string('1', 31))).Substring(2 * (256 + 30), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => GpioFormat.WriteOutputRequest(new byte[GpioFormat.LineRequestSize], 0, new string('1', 32)));
    }

    [CCompilerFact]
    public void The_kernel_s_own_header_makes_the_same_bytes_of_every_request()
    {
        string[] lines = CCompiler.Run(Checkout.File("tests/EdgeFleet.Linux.Tests/Gpio/gpio_requests.c"));

        Assert.Equal($"{GpioFormat.GetLine:x} {GpioFormat.GetValues:x} {GpioFormat.SetValues:x}", lines[0]);
        Assert.Equal($"{GpioFormat.LineRequestSize} {GpioFormat.LineValuesSize} {GpioFormat.LineEventSize} 588", lines[1]);
        Assert.Equal(lines[2], Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteOutputRequest(request, 17, "edgefleet")));
        Assert.Equal(lines[3], Hex(GpioFormat.LineRequestSize, request => GpioFormat.WriteButtonRequest(request, 3, "edgefleet rollback button 12345", TimeSpan.FromMilliseconds(20))));
        Assert.Equal(lines[4], Hex(GpioFormat.LineValuesSize, values => GpioFormat.WriteValues(values, high: true)));
        Assert.Equal(lines[5], Hex(GpioFormat.LineValuesSize, values => GpioFormat.WriteValues(values, high: false)));
        Assert.Equal(new GpioEdge(1234567890123, IsRising: false, 3), GpioFormat.ReadEdge(Convert.FromHexString(lines[6])));
        Assert.Equal(new GpioEdge(1234567890123, IsRising: true, 3), GpioFormat.ReadEdge(Convert.FromHexString(lines[7])));
    }

    [Theory]
    [InlineData("gpiochip0:17", "/dev/gpiochip0", 17)]
    [InlineData("/dev/gpiochip4:0", "/dev/gpiochip4", 0)]
    public void A_line_is_named_by_its_chip_and_its_number(string text, string path, uint line)
    {
        GpioAddress address = GpioAddress.Parse(text);

        Assert.Equal((path, line), (address.Path, address.Line));
        Assert.Equal(address, GpioAddress.Parse(address.ToString()));
    }

    [Theory, InlineData(""), InlineData("gpiochip0"), InlineData("gpiochip0:"), InlineData(":3"), InlineData("gpiochip0:-1"), InlineData("../mem:3"), InlineData("gpiochip0:1:2")]
    public void What_names_no_line_is_refused_with_the_form_of_one(string text) =>
        Assert.Contains("CHIP:LINE", Assert.Throws<FormatException>(() => GpioAddress.Parse(text)).Message, StringComparison.Ordinal);

    private static string Zeros(int bytes) => new('0', 2 * bytes);

    private static string Hex(int size, Action<byte[]> write)
    {
        byte[] bytes = new byte[size];
        bytes.AsSpan().Fill(0xFF);
        write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
