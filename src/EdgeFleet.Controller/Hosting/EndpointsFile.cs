using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Controller.Hosting;

/// <summary>Where this controller is reached. Written when every listener answers, so that whoever waits for the file may call.</summary>
internal sealed record EndpointsFile(
    string OperatorUrl, string EnrollUrl, string DeviceUrl, string MqttHost, int MqttPort, string RootPem, string RootPin)
{
    public void Write(string path) => DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, EndpointsJsonContext.Default.EndpointsFile));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(EndpointsFile))]
internal sealed partial class EndpointsJsonContext : JsonSerializerContext;
