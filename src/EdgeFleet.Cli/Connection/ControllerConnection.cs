using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Connection;

/// <summary>
/// Which controller and who asks. From the options, else from EDGEFLEET_CONTROLLER and EDGEFLEET_TOKEN, else from the data
/// folder of a controller on this machine (EDGEFLEET_DATA).
/// </summary>
internal static class ControllerConnection
{
    public static readonly Option<Uri?> UrlOption = new("--controller")
    {
        Description = "Address of the controller's operator plane, for example http://127.0.0.1:8080. Default: EDGEFLEET_CONTROLLER, else what stands in EDGEFLEET_DATA.",
        Recursive = true,
        CustomParser = CheckedOption.Url,
    };

    public static readonly Option<FileInfo?> TokenOption = new("--token-file")
    {
        Description = "File with the operator's token. Default: the token in EDGEFLEET_TOKEN, else operator.token in EDGEFLEET_DATA.",
        Recursive = true,
    };

    public static readonly Option<DirectoryInfo?> DataOption = new("--controller-data")
    {
        Description = "Data folder of a controller on this machine; its endpoints.json and operator.token are read. Default: EDGEFLEET_DATA.",
        Recursive = true,
    };

    public static ControllerClient Open(ParseResult parsed)
    {
        string? data = parsed.GetValue(DataOption)?.FullName ?? Variable("EDGEFLEET_DATA");
        Uri? url = parsed.GetValue(UrlOption) ?? (Variable("EDGEFLEET_CONTROLLER") is { } text ? ParseUrl(text) : null);
        if (url is null && data is not null)
        {
            string endpoints = Path.Combine(data, "endpoints.json");
            string written = ReadIfThere(endpoints)
                ?? throw new CommandFailedException(ExitCode.WorldFailed, $"'{endpoints}' does not exist: no controller has started in '{data}'");
            JsonNode? document = JsonNode.Parse(written);
            url = ParseUrl(document?["operatorUrl"]?.GetValue<string>() ?? "");
        }
        if (url is null)
        {
            throw new CommandFailedException(
                ExitCode.WrongUsage, "no controller is named; give --controller URL or --controller-data DIR, or set EDGEFLEET_CONTROLLER or EDGEFLEET_DATA");
        }
        return new ControllerClient(url, ReadToken(parsed, data));
    }

    private static string ReadToken(ParseResult parsed, string? data)
    {
        if (parsed.GetValue(TokenOption) is { } file)
        {
            return File.ReadAllText(file.FullName).Trim();
        }
        if (Variable("EDGEFLEET_TOKEN") is { } token)
        {
            return token;
        }
        if (data is not null && ReadIfThere(Path.Combine(data, "operator.token")) is { } first)
        {
            return first.Trim();
        }
        throw new CommandFailedException(
            ExitCode.WrongUsage, "no operator token; give --token-file FILE or set EDGEFLEET_TOKEN (the controller writes the first one to operator.token in its data folder)");
    }

    /// <summary>Null when there is no such file. File.Exists would say that too of one that this user may not see.</summary>
    private static string? ReadIfThere(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception ex) when (ex is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException ex)
        {
            throw new CommandFailedException(
                ExitCode.WorldFailed, $"'{path}': permission denied for user '{Environment.UserName}'; give --controller URL and --token-file FILE, or run as the controller's user", ex);
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static Uri ParseUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
        ? url
        : throw new CommandFailedException(ExitCode.WrongUsage, $"'{text}' is not an address such as http://127.0.0.1:8080");
}
