namespace BringYourOwnModel;

/// <summary>What a pipeline reads.</summary>
internal sealed class Input
{
    public string Text { get; set; } = "";
}

/// <summary>What a pipeline of a regression says.</summary>
internal sealed class Output
{
    public float Score { get; set; }
}
