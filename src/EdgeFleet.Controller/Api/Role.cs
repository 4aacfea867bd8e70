namespace EdgeFleet.Controller.Api;

/// <summary>What an operator may do; each role may do what those before it may.</summary>
internal enum Role
{
    /// <summary>Look.</summary>
    Viewer,
    /// <summary>Run the fleet: devices, enrolment tokens, pause, resume, approve, abort, roll back.</summary>
    Operator,
    /// <summary>Publish artifacts and start rollouts.</summary>
    Releaser,
    /// <summary>Everything, other operators included.</summary>
    Admin,
}
