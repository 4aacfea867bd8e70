namespace EdgeFleet.Linux.Captures;

/// <summary>
/// Questions to a device that are no reads of files, so that they can be captured and answered again. Each has a text that
/// names it.
/// </summary>
public interface IDeviceQuestions
{
    /// <param name="question">For example <c>mailbox get_throttled</c>.</param>
    /// <param name="device">Asks the device itself; not called where the answer is known.</param>
    DeviceAnswer Ask(string question, Func<DeviceAnswer> device);
}

/// <summary>Asks the device and keeps what it answered: the same question is asked once.</summary>
/// <param name="below">Who is asked instead of the device; null asks the device.</param>
public sealed class RecordedQuestions(IDeviceQuestions? below = null) : IDeviceQuestions
{
    private readonly Dictionary<string, DeviceAnswer> _answers = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, DeviceAnswer> Answers => _answers;

    public DeviceAnswer Ask(string question, Func<DeviceAnswer> device) =>
        _answers.TryGetValue(question, out DeviceAnswer? known) ? known : _answers[question] = below is null ? device() : below.Ask(question, device);
}

/// <summary>Answers as a device did when it was captured; what it was not asked then, nobody knows.</summary>
public sealed class CapturedQuestions(IReadOnlyDictionary<string, DeviceAnswer> answers) : IDeviceQuestions
{
    public DeviceAnswer Ask(string question, Func<DeviceAnswer> device) =>
        answers.GetValueOrDefault(question) ?? DeviceAnswer.Failed(SystemFiles.Errno.Enodata, "the device was not asked");
}
