using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Tests.Models;
using EdgeFleet.Testing;

namespace EdgeFleet.Cli.Tests.Doctor;

public sealed class DoctorCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void This_machine_is_captured_and_its_unpacked_capture_says_the_same()
    {
        string capture = _folder["board.tar.gz"];
        EdgefleetProcess live = EdgefleetProcess.Run("doctor", "--capture", capture, "-o", "json");
        JsonNode said = JsonNode.Parse(live.Output)!;
        Assert.Equal((0, "device"), (live.ExitCode, (string?)said["source"]));
        string unpacked = Directory.CreateDirectory(_folder["unpacked"]).FullName;
        using (GZipStream unzipped = new(File.OpenRead(capture), CompressionMode.Decompress))
        {
            TarFile.ExtractToDirectory(unzipped, unpacked, overwriteFiles: false);
        }

        EdgefleetProcess again = EdgefleetProcess.Run("doctor", "--root", unpacked, "-o", "json");
        JsonNode readBack = JsonNode.Parse(again.Output)!;

        Assert.Equal((0, "capture"), (again.ExitCode, (string?)readBack["source"]));
        Assert.Equal(said["findings"]!.ToJsonString(), readBack["findings"]!.ToJsonString());
        string[] packed = [.. said["capture"]!["files"]!.AsArray().Select(path => (string)path!)];
        Assert.Equal(packed.Order(StringComparer.Ordinal), Directory.EnumerateFiles(unpacked, "*", SearchOption.AllDirectories)
            .Select(path => path[unpacked.Length..]).Where(path => path != "/edgefleet-capture.json").Order(StringComparer.Ordinal));
        Assert.InRange(new FileInfo(capture).Length, 500, 4 << 20);
    }

    [Fact]
    public void A_person_reads_what_was_found_what_to_do_and_whether_there_are_joules()
    {
        ModelledOrinNano.Write(_folder);
        EdgefleetProcess said = EdgefleetProcess.Run("doctor", "--root", _folder.Path);
        Assert.Equal(0, said.ExitCode);
        Assert.Contains("found    ina3221 hwmon VDD_IN: the one that edgefleet bench reads", said.Output, StringComparison.Ordinal);
        Assert.Contains("           -> 'edgefleet bench --governor performance'", said.Output, StringComparison.Ordinal);
        Assert.EndsWith("Joules per inference: yes, by ina3221 hwmon VDD_IN. 'edgefleet bench' reads it.\n", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_capture_says_cannot_move_the_terminal()
    {
        _folder.Write("proc/device-tree/model", "evil\u001b[2Jboard\n");
        Assert.Contains("evil?[2Jboard", EdgefleetProcess.Run("doctor", "--root", _folder.Path).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_not_captured_again_and_one_that_is_missing_is_named()
    {
        EdgefleetProcess again = EdgefleetProcess.Run("doctor", "--root", _folder.Path, "--capture", _folder["x.tar.gz"]);
        Assert.Equal(2, again.ExitCode);
        Assert.False(File.Exists(_folder["x.tar.gz"]));
        EdgefleetProcess missing = EdgefleetProcess.Run("doctor", "--root", _folder["nowhere"]);
        Assert.Equal(3, missing.ExitCode);
        Assert.Contains(_folder["nowhere"], missing.Errors, StringComparison.Ordinal);
    }
}
