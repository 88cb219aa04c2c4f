namespace Microsoft.ML.Peft.Benchmarks.Micro;

/// <summary>Short questions such as a bank's customers ask.</summary>
internal static class Sentences
{
    public static string[] All { get; } =
    [
        "Where is my new card?",
        "I have been waiting for my card for over a week now, when will it get here?",
        "Why was I charged a fee for taking out cash?",
        "The exchange rate on my last purchase looks wrong.",
        "How do I change my PIN while I am abroad?",
        "My transfer to a friend has not arrived, although the money left my account three days ago. Can you please check what happened?",
        "Can I top up with a cheque?",
        "Someone else has used my card, please freeze it at once!",
    ];
}
