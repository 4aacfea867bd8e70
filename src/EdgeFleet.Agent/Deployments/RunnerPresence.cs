using EdgeFleet.Agent.Reporting;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Deployments;

/// <summary>
/// Whether the runner answers, said when that changes: to the controller in the reported state, and as an event and in the log
/// when it was away and when it is back. One look that finds nobody may meet a restart; two in a row do not.
/// </summary>
internal sealed partial class RunnerPresence(ReportWriter reports, TimeProvider time, ILogger log)
{
    private const int LooksUntilAway = 2;

    private int _missed;
    private bool _away;
    private DateTimeOffset _awaySince;
    private long _awayStamp;

    public void Answered()
    {
        bool wasMissed = _missed > 0;
        _missed = 0;
        if (_away)
        {
            _away = false;
            Say(Wire.Runner.Answers);
            TimeSpan away = time.GetElapsedTime(_awayStamp);
            LogBack(away);
            Event("runner-back", $"the runner answers again after {away.TotalSeconds:0} s");
        }
        else if (reports.Runner != Wire.Runner.Answers)
        {
            // At a start all is well as a rule: whoever connects says it along with the rest.
            reports.Runner = Wire.Runner.Answers;
            if (wasMissed)
            {
                reports.Reported();
            }
        }
    }

    public void Missed(string reason)
    {
        if (++_missed == 1)
        {
            (_awaySince, _awayStamp) = (time.GetUtcNow(), time.GetTimestamp());
        }
        if (_missed >= LooksUntilAway && !_away)
        {
            _away = true;
            Say(Wire.Runner.Away);
            LogAway(_awaySince, reason);
            Event("runner-away", $"no answer since {_awaySince.UtcDateTime:u} by the device's clock: {reason}");
        }
    }

    private void Say(Wire.Runner now)
    {
        reports.Runner = now;
        reports.Reported();
    }

    private void Event(string type, string detail)
    {
        try
        {
            reports.Event(type, "runner", detail);
        }
        catch (IOException ex)
        {
            // A full disk. The reported state says it as soon as there is room.
            LogNotSaid(type, ex.Message);
        }
    }

    [LoggerMessage(EventId = 3225, Level = LogLevel.Error, Message = "The runner has not answered since {Since} ({Reason}): this device serves nothing until edgefleet-agent serve runs again; rollbacks and activations wait for it")]
    private partial void LogAway(DateTimeOffset since, string reason);

    [LoggerMessage(EventId = 3226, Level = LogLevel.Information, Message = "The runner answers again after {Away}")]
    private partial void LogBack(TimeSpan away);

    [LoggerMessage(EventId = 3227, Level = LogLevel.Warning, Message = "Event {Type} could not be written: {Reason}")]
    private partial void LogNotSaid(string type, string reason);
}
