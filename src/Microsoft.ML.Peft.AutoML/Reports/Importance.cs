using System.Globalization;
using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Reports;

/// <summary>Computes what <see cref="PeftOptionImportance"/> says.</summary>
internal static class Importance
{
    private const string Method = "Method";

    public static PeftOptionImportance Of(PeftExperimentResult result, string? method)
    {
        var trials = result.Trials.Where(trial => !trial.IsBaseline && (method is null || trial.Method == method)).ToList();
        // Every trial that has a result reached rung 0, so that most reach it: more than one rung has as many only if none was stopped.
        var (rung, count) = Enumerable.Range(0, result.Search.Rungs.Count)
            .Select(rung => (Rung: rung, Count: trials.Count(trial => trial.RungResults.Count > rung)))
            .OrderByDescending(reached => reached.Count).ThenByDescending(reached => reached.Rung).First();
        int epochs = count == 0 ? 0 : result.Search.Rungs[rung];
        if (count < PeftOptionImportance.MinTrials)
            return new PeftOptionImportance(method, count, epochs, new Dictionary<string, double>());
        var reached = trials.Where(trial => trial.RungResults.Count > rung).ToList();
        double[] ranks = Ranks([.. reached.Select(trial => trial.RungResults[rung].Metric)]);
        var methods = result.Search.Methods.Where(searched => reached.Exists(trial => trial.Method == searched.Method)).ToList();
        return new PeftOptionImportance(method, count, epochs, ranks.Distinct().Count() == 1 ? [] : Shares(reached, ranks, methods));
    }

    private static Dictionary<string, double> Shares(List<PeftTrialResult> trials, double[] ranks, List<PeftSearchedMethod> methods)
    {
        var shares = new Dictionary<string, double>();
        if (methods.Count > 1)
            shares[Method] = Share(ranks, SameValue([.. trials.Select(trial => trial.Method)]));
        var common = methods[0].Options.Where(option => methods.TrueForAll(other => other.Options.Any(o => o.Name == option.Name)));
        foreach (string name in common.Select(option => option.Name))
        {
            var kinds = methods.Select(searched => searched.Options.First(option => option.Name == name)).ToList();
            var values = trials.Select(trial => trial.Parameters[name]).ToList();
            shares[name] = Share(ranks, kinds.TrueForAll(kind => kind.Min is not null)
                ? Nearness([.. values.Select(value => Position(value, kinds.TrueForAll(kind => kind.IsLog)))])
                : SameValue([.. values.Select(Configuration.Text)]));
        }
        return shares.OrderByDescending(share => share.Value).ToDictionary();
    }

    /// <summary>The leave-one-out R² of the weighted mean of the other trials, not below 0.</summary>
    /// <param name="ranks">One for each trial.</param>
    /// <param name="weight">How alike two trials are in the option.</param>
    private static double Share(double[] ranks, Func<int, int, double> weight)
    {
        double left = 0, all = 0, sum = ranks.Sum();
        for (int i = 0; i < ranks.Length; i++)
        {
            double others = (sum - ranks[i]) / (ranks.Length - 1);
            double weights = 0, weighted = 0;
            for (int j = 0; j < ranks.Length; j++)
            {
                double w = i == j ? 0 : weight(i, j);
                weights += w;
                weighted += w * ranks[j];
            }
            // A value that no other trial comes near tells nothing.
            double predicted = weights > 1e-12 ? weighted / weights : others;
            left += Math.Pow(ranks[i] - predicted, 2);
            all += Math.Pow(ranks[i] - others, 2);
        }
        return Math.Max(0, 1 - left / all);
    }

    private static Func<int, int, double> SameValue(string[] values) => (i, j) => values[i] == values[j] ? 1 : 0;

    private static Func<int, int, double> Nearness(double[] positions)
    {
        double mean = positions.Average();
        double deviation = Math.Sqrt(positions.Sum(x => Math.Pow(x - mean, 2)) / (positions.Length - 1));
        double bandwidth = 1.06 * deviation * Math.Pow(positions.Length, -0.2);
        return bandwidth > 0 ? (i, j) => Math.Exp(-0.5 * Math.Pow((positions[i] - positions[j]) / bandwidth, 2)) : (_, _) => 1;
    }

    private static double Position(object? value, bool log)
    {
        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        return log ? Math.Log(number) : number;
    }

    /// <summary>From 1; equal values share their mean rank.</summary>
    private static double[] Ranks(double[] values)
        => [.. values.Select(value => values.Count(other => other < value) + (values.Count(other => other == value) + 1) / 2.0)];
}
