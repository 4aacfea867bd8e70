using System.CommandLine;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Measurement.Hosts;

if (args is [ModelHost.Command])
{
    return ModelHost.Run(); // before anything else is loaded: its memory is measured
}

RootCommand root = new("EdgeFleet on a device.")
{
    EnrollCommand.Create(),
    RunCommand.Create(),
    ServeCommand.Create(),
    StatusCommand.Create(),
    RollbackCommand.Create(),
    FileModeCommand.Create(),
    BenchCommand.Create(),
    ShadowCommand.Create(),
};
ParseResult parsed = root.Parse(args);
// Each command that runs for long ends in order by itself. The parser's own handler of signals would race with it, and throw
// where the command was faster.
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
// Wrong usage is 2; the parser's own code for it is 1, which here means that a verdict is no.
return parsed.Errors.Count > 0 ? 2 : code;
