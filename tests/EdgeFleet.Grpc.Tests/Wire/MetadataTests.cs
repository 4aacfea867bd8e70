using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Grpc.Core.Wire;

namespace EdgeFleet.Grpc.Tests.Wire;

public sealed class MetadataTests
{
    [Fact]
    public void Bytes_come_back_from_their_header_whether_padded_or_not() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            string header = MetadataHeaders.Encode(new Metadata.Entry("raw-bin", bytes));
            Assert.DoesNotContain('=', header);
            Assert.Equal(bytes, Decode("raw-bin", header).GetValueBytes("raw-bin"));
            Assert.Equal(bytes, Decode("raw-bin", Convert.ToBase64String(bytes)).GetValueBytes("raw-bin"));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Several_values_joined_by_commas_come_back_one_by_one() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>().Filter(values => values.Length > 0), values =>
        {
            string joined = string.Join(", ", values.Select(value => MetadataHeaders.Encode(new Metadata.Entry("raw-bin", value))));
            Assert.Equal(values, Decode("raw-bin", joined).GetAll("raw-bin").Select(entry => entry.ValueBytes));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Text_travels_as_it_is_or_is_refused() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            Metadata.Entry entry = new("x-text", text.Get);
            if (text.Get.All(c => c is >= ' ' and <= '~'))
            {
                Assert.Equal(text.Get, Decode("x-text", MetadataHeaders.Encode(entry)).GetValue("x-text"));
            }
            else
            {
                Assert.Throws<ArgumentException>(() => MetadataHeaders.Encode(entry));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_header_is_read_or_left_out_but_never_throws() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<NonNull<string>>(), (name, value) =>
        {
            Assert.NotNull(Decode(name.Get, value.Get));
            Assert.NotNull(Decode("any-bin", value.Get));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("grpc-status")]
    [InlineData("grpc-timeout")]
    [InlineData("content-type")]
    [InlineData("te")]
    [InlineData("connection")]
    public void Headers_of_the_protocol_are_no_metadata(string name)
    {
        Assert.Empty(Decode(name, "1"));
        Assert.Throws<ArgumentException>(() => MetadataHeaders.Encode(new Metadata.Entry(name, "1")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData(":path")]
    [InlineData("grüß")]
    [InlineData("a\n")]
    public void Keys_that_no_header_can_have_are_refused(string key) => Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "value"));

    [Fact]
    public void A_key_says_whether_its_value_is_text_or_bytes()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("x-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("x", [1]));
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("x-bin", [1]).Value);
        Assert.Equal("text"u8.ToArray(), new Metadata.Entry("x", "text").ValueBytes);
    }

    [Fact]
    public void Keys_are_lower_case_and_the_last_value_wins()
    {
        Metadata metadata = new() { { "Key", "1" }, { "other", "2" }, { "KEY", "3" } };
        Assert.Equal(["key", "other", "key"], metadata.Select(entry => entry.Key));
        Assert.Equal("3", metadata.GetValue("kEy"));
        Assert.Equal(["1", "3"], metadata.GetAll("key").Select(entry => entry.Value));
        Assert.Null(metadata.Get("absent"));
    }

    [Fact]
    public void The_bytes_of_an_entry_cannot_be_changed_from_outside()
    {
        byte[] bytes = [1];
        Metadata.Entry entry = new("x-bin", bytes);
        bytes[0] = 2;
        entry.ValueBytes[0] = 3;
        Assert.Equal([1], entry.ValueBytes);
    }

    [Fact]
    public void Empty_metadata_cannot_be_added_to() => Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("x", "1"));

    private static Metadata Decode(string name, string value)
    {
        Metadata metadata = [];
        MetadataHeaders.Decode(name, value, metadata);
        return metadata;
    }
}
