namespace Microsoft.ML.Peft;

/// <summary>How close written texts come to their references.</summary>
/// <param name="RougeL">
/// ROUGE-L (Lin 2004), 0 to 1: the mean over all rows of the F₁ of the longest common subsequence of words, with the best of each row's
/// references. Words are runs of letters, marks and digits in lower case.
/// </param>
/// <param name="Bleu4">
/// BLEU-4 (Papineni et al. 2002), 0 to 1, of all rows together: case counts, texts are split as by the script mteval-v13a (sacreBLEU's default),
/// and n-gram orders without any match are smoothed exponentially (Chen and Cherry 2014, method 3).
/// </param>
/// <param name="Rows">The number of rows.</param>
public sealed record GenerationMetrics(double RougeL, double Bleu4, int Rows);
