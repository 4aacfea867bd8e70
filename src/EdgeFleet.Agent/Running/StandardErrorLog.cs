using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// The log of an agent's process: one line an entry on standard error, where systemd's journal takes it. Put together by hand:
/// the usual builder brings dependency injection and configuration, three megabytes of a small device that nothing else here needs.
/// </summary>
internal static class StandardErrorLog
{
    public static ILoggerFactory Create(LogLevel minimum) => new LoggerFactory(
        [new ConsoleLoggerProvider(new FixedOptions(new ConsoleLoggerOptions { FormatterName = LineFormatter.FormatterName, LogToStandardErrorThreshold = LogLevel.Trace }), [new LineFormatter()])],
        new LoggerFilterOptions { MinLevel = minimum });

    private sealed class FixedOptions(ConsoleLoggerOptions options) : IOptionsMonitor<ConsoleLoggerOptions>
    {
        public ConsoleLoggerOptions CurrentValue => options;

        public ConsoleLoggerOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<ConsoleLoggerOptions, string?> listener) => null;
    }

    /// <summary><c>warn: Category[EventId] message exception</c>, in one line whatever the message holds.</summary>
    private sealed class LineFormatter() : ConsoleFormatter(FormatterName)
    {
        public const string FormatterName = "line";

        public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
        {
            string text = string.Create(CultureInfo.InvariantCulture, $"{Level(entry.LogLevel)}: {entry.Category}[{entry.EventId.Id}] {entry.Formatter(entry.State, entry.Exception)}");
            textWriter.WriteLine((entry.Exception is null ? text : $"{text} {entry.Exception}").ReplaceLineEndings(" "));
        }

        private static string Level(LogLevel level) => level switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            LogLevel.Critical => "crit",
            _ => "none",
        };
    }
}
