using System.CommandLine;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Trials;

RootCommand root = new("EdgeFleet on a device.")
{
    EnrollCommand.Create(),
    RunCommand.Create(),
    ServeCommand.Create(),
    StatusCommand.Create(),
    RollbackCommand.Create(),
    BenchCommand.Create(),
    ShadowCommand.Create(),
};
ParseResult parsed = root.Parse(args);
int code = await parsed.InvokeAsync();
// Wrong usage is 2; the parser's own code for it is 1, which here means that a verdict is no.
return parsed.Errors.Count > 0 ? 2 : code;
