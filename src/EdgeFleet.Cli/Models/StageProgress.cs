using EdgeFleet.Cli.Terminal;
using Spectre.Console;

namespace EdgeFleet.Cli.Models;

/// <summary>Progress of work in stages: a bar at a terminal, one line per stage in a pipe, nothing with <c>-o json</c>.</summary>
internal static class StageProgress
{
    /// <param name="work">Gets a function to report with: the stage, how much of it is done, of how much. Any thread may call it.</param>
    public static T Show<T>(Output output, Func<Action<string, int, int>, T> work)
    {
        if (!output.IsInteractive)
        {
            return work(LinePerStage(output));
        }

        return output.Notes.Progress().AutoClear(true).Start(context =>
        {
            Lock gate = new();
            Dictionary<string, ProgressTask> tasks = [];
            return work((stage, done, total) =>
            {
                lock (gate)
                {
                    if (!tasks.TryGetValue(stage, out ProgressTask? task))
                    {
                        tasks[stage] = task = context.AddTask(Markup.Escape(stage), maxValue: Math.Max(1, total));
                    }

                    task.Value = done;
                }
            });
        });
    }

    private static Action<string, int, int> LinePerStage(Output output)
    {
        Lock gate = new();
        HashSet<string> seen = [];
        return (stage, _, _) =>
        {
            lock (gate)
            {
                if (seen.Add(stage))
                {
                    output.Note($"{stage} …");
                }
            }
        };
    }
}
