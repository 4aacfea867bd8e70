using EdgeFleet.Controller.Broker;

namespace EdgeFleet.Controller.Tests.Broker;

public sealed class BrokerConfigurationTests
{
    private static readonly (string, string) s_identity = ("/data/pki/broker.pem", "/data/pki/broker.key");

    private static readonly EmbeddedBrokerOptions s_options = new()
    {
        Folder = "/data/broker",
        Tenant = "acme",
        CaFile = "/data/pki/root.pem",
        WriteIdentity = () => s_identity,
    };

    [Fact]
    public void The_access_list_gives_each_device_its_own_branch_and_takes_it_from_the_revoked()
    {
        string list = BrokerConfiguration.AccessList(s_options with { ReaderNames = ["watcher"] }, ["device-9", "device-1"]);

        Assert.Equal("""
            # Written by edgefleet-controller at each start. Changes here are lost.
            user edgefleet.controller
            topic readwrite edgefleet/v1/#
            topic write edgefleet/alarms/v1/#
            topic read $SYS/#
            user watcher
            topic read edgefleet/v1/#
            topic read edgefleet/alarms/v1/#
            topic deny edgefleet/v1/acme/watcher/#
            user device-1
            topic deny #
            user device-9
            topic deny #
            pattern readwrite edgefleet/v1/acme/%u/#

            """, list);
    }

    [Fact]
    public void The_settings_close_the_listener_to_everybody_without_a_certificate()
    {
        string[] lines = BrokerConfiguration.Settings(s_options with { BindAddress = "127.0.0.1" }, s_identity, 8883, "/data/broker/access.acl").Split('\n');

        Assert.Contains("listener 8883 127.0.0.1", lines);
        Assert.Contains("require_certificate true", lines);
        Assert.Contains("allow_anonymous false", lines);
        Assert.Contains("use_identity_as_username true", lines);
        Assert.Contains("use_username_as_clientid true", lines);
        Assert.Contains("set_tcp_nodelay true", lines);
        Assert.Contains("persistence_location /data/broker/", lines);
        Assert.Single(lines, line => line.StartsWith("listener", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/data/a\nallow_anonymous true")]
    [InlineData("/data/a\rb")]
    [InlineData("")]
    public void A_path_that_would_become_another_setting_is_refused(string path) =>
        Assert.Throws<ArgumentException>(() => (s_options with { CaFile = path }).Validate());

    [Theory]
    [InlineData("device_1")]
    [InlineData("device-1\ntopic readwrite #")]
    [InlineData("#")]
    public void A_revoked_device_must_be_an_identifier(string device) =>
        Assert.Throws<FormatException>(() => (s_options with { RevokedDevices = [device] }).Validate());

    [Theory]
    [InlineData("two words")]
    [InlineData("a/b")]
    [InlineData("+")]
    public void A_reader_must_be_a_plain_name(string name) =>
        Assert.Throws<ArgumentException>(() => (s_options with { ReaderNames = [name] }).Validate());
}
