using System.Text;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>Cancels when some text is written to it, as a person does who reads it.</summary>
internal sealed class CancellingWriter(string text, CancellationTokenSource source) : TextWriter
{
    private readonly StringBuilder _written = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        _written.Append(value);
        if (value == '\n' && _written.ToString().Contains(text, StringComparison.Ordinal))
            source.Cancel();
    }

    public override string ToString() => _written.ToString();
}
