namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>What is wrong with an answer that the model did give.</summary>
internal enum AnswerFault
{
    None,

    /// <summary>A value is no number, though every input was one.</summary>
    NonFinite,

    /// <summary>A shape that the contract does not allow.</summary>
    WrongShape,
}
