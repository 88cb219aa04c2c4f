using System.Text;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>Files of made-up tickets, and a model trained on them once for all tests.</summary>
internal static class TicketFiles
{
    /// <summary>What makes a training of moments: a tiny random model, few tokens, one epoch.</summary>
    public static string[] Quick { get; } = ["--model", Tickets.TinyModel, "--virtual-tokens", "4", "--max-epochs", "2", "--precision", "float32"];

    public static string Csv(TemporaryDirectory directory, int rows = 48, string name = "tickets.csv") =>
        directory.Write(name, Table(rows, "message", "queue", ticket => ticket.Label));

    public static string Table(int rows, string text, string label, Func<Ticket, object> value)
    {
        var table = new StringBuilder($"id,{text},{label}\n");
        foreach (var (ticket, i) in Tickets.Rows(rows).Select((ticket, i) => (ticket, i)))
            table.Append(FormattableString.Invariant($"{i},\"{ticket.Text}\",{value(ticket)}\n"));
        return table.ToString();
    }

    public static async Task<string> TrainAsync(TemporaryDirectory directory, params string[] further)
    {
        string model = directory.File("model.zip");
        (await Peftml.RunAsync(["train", Csv(directory), "--output", model, .. Quick, .. further])).Succeeds();
        return model;
    }
}
