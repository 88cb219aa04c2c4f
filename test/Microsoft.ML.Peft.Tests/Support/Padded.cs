using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Hidden states in the padded form of Hugging Face's models.</summary>
internal static class Padded
{
    /// <summary>`[B, S, D]` for token ids `[B, T]`; virtual tokens of an input prompt stand in front of each row, S = P + T. Zero at padding.</summary>
    public static Tensor Forward(Backbone transformer, Tensor ids, Prompt? prompt = null, Tensor? mask = null, Tensor? typeIds = null)
    {
        var (batch, places) = TokenBatch.Checked(ids, mask ?? ones_like(ids), typeIds, transformer, prompt?.Length ?? 0);
        var hidden = transformer.Forward(batch, prompt);
        long rows = ids.size(0), length = ids.size(1), virtualTokens = prompt?.Embeddings is null ? 0 : prompt.Length;
        if (virtualTokens == 0)
            return TokenBatch.Pad(hidden, places, rows, length);
        if (transformer is Decoder decoder)
            return cat([decoder.Forward(prompt!.Embeddings!).unsqueeze(0).expand(rows, -1, -1), TokenBatch.Pad(hidden, places, rows, length)], 1);
        var all = new List<long>();
        foreach (int row in batch.Layout.Order)
        {
            long start = row * (virtualTokens + length);
            all.AddRange(Enumerable.Range(0, (int)virtualTokens).Select(i => start + i));
            var text = places.narrow(0, batch.Layout.Start(row), batch.Layout.Length(row)).data<long>().ToArray();
            all.AddRange(text.Select(place => start + virtualTokens + place - row * length));
        }
        return TokenBatch.Pad(hidden, tensor(all.ToArray()), rows, virtualTokens + length);
    }

    public static Tensor Forward(Backbone transformer, long[] ids, Prompt? prompt = null) => Forward(transformer, tensor(ids, [1, ids.Length]), prompt);
}
