using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Core.Tests;

public sealed class MaintenanceWindowsTests
{
    private static readonly TimeZoneInfo s_berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    // Sunday, 22 November 2026, is the day around which these are.
    [InlineData("mon-fri 02:00-05:00", "2026-11-22T12:00:00+01:00", "2026-11-23T02:00:00+01:00")]
    [InlineData("mon-fri 02:00-05:00", "2026-11-23T02:00:00+01:00", "2026-11-23T02:00:00+01:00")]
    [InlineData("mon-fri 02:00-05:00", "2026-11-23T04:59:59+01:00", "2026-11-23T04:59:59+01:00")]
    [InlineData("mon-fri 02:00-05:00", "2026-11-23T05:00:00+01:00", "2026-11-24T02:00:00+01:00")]
    [InlineData("mon-fri 02:00-05:00", "2026-11-27T05:00:00+01:00", "2026-11-30T02:00:00+01:00")]
    [InlineData("sat 22:00-04:00", "2026-11-22T03:59:00+01:00", "2026-11-22T03:59:00+01:00")]
    [InlineData("sat 22:00-04:00", "2026-11-22T04:00:00+01:00", "2026-11-28T22:00:00+01:00")]
    [InlineData("sun 22:00-04:00", "2026-11-22T03:59:00+01:00", "2026-11-22T22:00:00+01:00")]
    [InlineData("fri-mon 01:00-02:00", "2026-11-24T00:00:00+01:00", "2026-11-27T01:00:00+01:00")]
    [InlineData("wed,tue 01:00-02:00", "2026-11-22T00:00:00+01:00", "2026-11-24T01:00:00+01:00")]
    [InlineData("daily 00:00-24:00", "2026-11-22T23:59:59+01:00", "2026-11-22T23:59:59+01:00")]
    [InlineData("sun 20:00-24:00", "2026-11-22T12:00:00+01:00", "2026-11-22T20:00:00+01:00")]
    public void It_opens_by_the_clocks_of_its_place(string window, string now, string opens) =>
        Assert.Equal(DateTimeOffset.Parse(opens), Of(window).OpensAt(DateTimeOffset.Parse(now), s_berlin));

    [Fact]
    public void Hours_of_utc_are_the_same_everywhere() => Assert.Equal(
        DateTimeOffset.Parse("2026-11-23T02:00:00Z"),
        MaintenanceWindows.Of(["mon 02:00-03:00"], utc: true, downloads: false).OpensAt(DateTimeOffset.Parse("2026-11-23T02:30:00+01:00"), s_berlin));

    [Fact]
    public void Of_several_windows_the_one_that_opens_first_counts() => Assert.Equal(
        DateTimeOffset.Parse("2026-11-23T02:00:00+01:00"), Of("fri 02:00-03:00", "mon 02:00-03:00", "mon 04:00-05:00").OpensAt(DateTimeOffset.Parse("2026-11-22T12:00:00+01:00"), s_berlin));

    [Fact]
    public void An_hour_that_a_spring_night_skips_is_the_one_after_it_and_one_that_an_autumn_night_has_twice_is_open_both_times()
    {
        // On 29 March 2026 there was no 02:30 in Berlin; on 25 October there were two.
        Assert.Equal(DateTimeOffset.Parse("2026-03-29T03:30:00+02:00"), Of("sun 02:30-04:00").OpensAt(DateTimeOffset.Parse("2026-03-28T12:00:00+01:00"), s_berlin));
        foreach (string open in new[] { "2026-10-25T02:15:00+02:00", "2026-10-25T02:15:00+01:00" })
        {
            Assert.Equal(DateTimeOffset.Parse(open), Of("sun 02:00-03:00").OpensAt(DateTimeOffset.Parse(open), s_berlin));
        }
    }

    [Theory]
    [InlineData("", "'' is no window; expected days and hours")]
    [InlineData("monday 02:00-05:00", "'monday' is no day; expected mon, tue, wed, thu, fri, sat, sun")]
    [InlineData("mon-fri", "is no window")]
    [InlineData("mon 2:00-05:00", "'2:00' is no time; expected 00:00 to 24:00")]
    [InlineData("mon 02:00-25:00", "'25:00' is no time")]
    [InlineData("mon 02:00-02:00", "is empty; 'daily 00:00-24:00' is always")]
    [InlineData("mon-tue-wed 02:00-03:00", "'mon-tue-wed' is no day")]
    [InlineData("mon, 02:00-03:00", "'' is no day")]
    [InlineData("mon 02:00-03:00 utc", "is no window")]
    public void What_is_no_window_is_told_what_is_wrong_with_it(string window, string error) =>
        Assert.Contains(error, Assert.Throws<FormatException>(() => Of(window)).Message, StringComparison.Ordinal);

    [Fact]
    public void There_are_at_least_one_and_at_most_32()
    {
        Assert.Throws<FormatException>(() => Of());
        Assert.Throws<FormatException>(() => Of([.. Enumerable.Repeat("mon 02:00-03:00", 33)]));
    }

    [Fact]
    public void They_are_equal_by_what_they_say() => Assert.Equal(Of("mon  02:00-03:00"), Of("mon 02:00-03:00"));

    private static MaintenanceWindows Of(params string[] windows) => MaintenanceWindows.Of(windows, utc: false, downloads: false);
}
