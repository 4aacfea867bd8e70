using FsCheck;
using FsCheck.Fluent;
using Grpc.Core.Wire;

namespace EdgeFleet.Grpc.Tests.Wire;

public sealed class TimeoutHeaderTests
{
    [Theory]
    [InlineData(1, "1u")]
    [InlineData(10, "1u")]
    [InlineData(11, "2u")]
    [InlineData(10_000, "1000u")]
    [InlineData(999_999_990, "99999999u")]
    [InlineData(999_999_991, "100000m")]
    [InlineData(0, "1u")]
    [InlineData(-5, "1u")]
    [InlineData(long.MaxValue, "99999999H")]
    public void A_time_span_becomes_at_most_eight_digits_and_a_unit(long ticks, string header) =>
        Assert.Equal(header, TimeoutHeader.Encode(TimeSpan.FromTicks(ticks)));

    [Theory]
    [InlineData("1n", 1)]
    [InlineData("100n", 1)]
    [InlineData("101n", 2)]
    [InlineData("2u", 20)]
    [InlineData("3m", 30_000)]
    [InlineData("4S", 40_000_000)]
    [InlineData("5M", 3_000_000_000)]
    [InlineData("6H", 216_000_000_000)]
    [InlineData("99999999H", 3_599_999_964_000_000_000)]
    [InlineData("00000001S", 10_000_000)]
    public void Every_unit_is_read(string header, long ticks)
    {
        Assert.True(TimeoutHeader.TryDecode(header, out TimeSpan timeout));
        Assert.Equal(ticks, timeout.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("1s")]
    [InlineData("+1S")]
    [InlineData("-1S")]
    [InlineData(" 1S")]
    [InlineData("1 S")]
    [InlineData("1.5S")]
    [InlineData("123456789S")]
    [InlineData("١S")]
    public void What_is_no_timeout_is_refused(string header) => Assert.False(TimeoutHeader.TryDecode(header, out _));

    [Fact]
    public void No_timeout_comes_back_shorter_nor_longer_than_its_unit_allows() =>
        Prop.ForAll(ArbMap.Default.ArbFor<long>().Filter(ticks => ticks > 0), ticks =>
        {
            TimeSpan sent = TimeSpan.FromTicks(ticks);
            Assert.True(TimeoutHeader.TryDecode(TimeoutHeader.Encode(sent), out TimeSpan received));
            Assert.InRange(received, sent, sent + TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMicrosecond, ticks / 10_000)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_header_is_read_or_refused_but_never_throws() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), header =>
        {
            bool read = TimeoutHeader.TryDecode(header.Get, out TimeSpan timeout);
            Assert.True(read ? timeout >= TimeSpan.Zero : timeout == TimeSpan.Zero);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_deadline_never_leaves_the_range_of_dates()
    {
        DateTime now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Assert.Equal(now.AddHours(1), TimeoutHeader.DeadlineAfter(now, TimeSpan.FromHours(1)));
        Assert.Equal(DateTime.MaxValue, TimeoutHeader.DeadlineAfter(now, TimeSpan.MaxValue));
        Assert.Equal(DateTime.MaxValue, TimeoutHeader.DeadlineAfter(now, DateTime.MaxValue - now));
    }
}
