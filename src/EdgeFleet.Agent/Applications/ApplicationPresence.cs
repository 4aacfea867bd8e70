using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Runners;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Applications;

/// <summary>Whether the applications in file mode speak, said when that changes. One that is silent may serve well: nobody knows.</summary>
internal sealed partial class ApplicationPresence(ReportWriter reports, ILogger log)
{
    private readonly HashSet<string> _silent = new(StringComparer.Ordinal);

    public void Look(RunnerReport report)
    {
        foreach (RunnerModel model in report.Models)
        {
            if (model.Code is FailureCodes.ApplicationSilent or FailureCodes.ApplicationElsewhere && _silent.Add(model.Model))
            {
                LogSilent(model.Model, model.Error ?? "");
                Event(model.Code, model.Model, model.Error ?? "");
            }
            else if (model is { Code: null, Waiting: null, Active: { } active } && _silent.Remove(model.Model))
            {
                LogBack(model.Model, active.Short);
                Event("application-back", model.Model, $"the application tells its health with {active.Short} again");
            }
        }
    }

    private void Event(string type, string model, string detail)
    {
        try
        {
            reports.Event(type, model, detail);
        }
        catch (IOException ex)
        {
            // A full disk; the log has it.
            LogNotSaid(type, ex.Message);
        }
    }

    [LoggerMessage(EventId = 3721, Level = LogLevel.Warning, Message = "Model {Model}: {Reason}; whether it works is not known, and nothing new passes its probation until it speaks")]
    private partial void LogSilent(string model, string reason);

    [LoggerMessage(EventId = 3722, Level = LogLevel.Information, Message = "Model {Model}: its application tells its health with {Digest} again")]
    private partial void LogBack(string model, string digest);

    [LoggerMessage(EventId = 3723, Level = LogLevel.Warning, Message = "Event {Type} could not be written: {Reason}")]
    private partial void LogNotSaid(string type, string reason);
}
