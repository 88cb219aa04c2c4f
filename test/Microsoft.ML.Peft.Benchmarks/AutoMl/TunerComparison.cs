using System.Text.Json;

namespace Microsoft.ML.Peft.Benchmarks.AutoMl;

/// <summary>How many training steps a tuner needs to find what another one has found in the end.</summary>
internal static class TunerComparison
{
    /// <param name="Benchmark">Its name.</param>
    /// <param name="Tuner">The tuner.</param>
    /// <param name="Against">The other one.</param>
    /// <param name="Seed">The seed of both searches.</param>
    /// <param name="Target">The other one's best validation metric.</param>
    /// <param name="AgainstSteps">The training steps of the other one's whole search.</param>
    /// <param name="StepsToTarget">The training steps after which the tuner had an epoch as good; null if it never had.</param>
    /// <param name="Ratio">The latter as a part of the former.</param>
    /// <param name="Validation">The tuner's own best in the end.</param>
    /// <param name="Steps">The training steps of its whole search.</param>
    public sealed record Result(
        string Benchmark, string Tuner, string Against, int Seed, double Target, int AgainstSteps, int? StepsToTarget, double? Ratio, double Validation, int Steps);

    private sealed record Search(string Tuner, int Seed, int TrainRows, double Validation, int Steps, IReadOnlyList<SearchProgress.Point> Best);

    /// <summary>One comparison for each seed that both have results of; of several results the last counts.</summary>
    /// <exception cref="InvalidDataException">The file holds no such pair, or a line is no result.</exception>
    public static IReadOnlyList<Result> Read(FileInfo file, string tuner, string against)
    {
        var searches = Parse(file);
        var pairs = from own in Last(searches, tuner) join other in Last(searches, against) on (own.Seed, own.TrainRows) equals (other.Seed, other.TrainRows) select Compare(own, other);
        return pairs.ToList() is { Count: > 0 } compared
            ? compared : throw new InvalidDataException($"'{file}' has no seed that was searched with both {tuner} and {against}; record results of automl with --tuner {tuner} {against}.");
    }

    private static Result Compare(Search own, Search other)
    {
        int? steps = own.Best.FirstOrDefault(point => point.Metric >= other.Validation)?.Steps;
        return new Result("automl-compare", own.Tuner, other.Tuner, own.Seed, other.Validation, other.Steps, steps, steps / (double)other.Steps, own.Validation, own.Steps);
    }

    private static IEnumerable<Search> Last(IReadOnlyList<Search> searches, string tuner)
        => searches.Where(search => search.Tuner == tuner).GroupBy(search => (search.Seed, search.TrainRows)).Select(same => same.Last());

    private static IReadOnlyList<Search> Parse(FileInfo file)
    {
        if (!file.Exists)
            throw new FileNotFoundException($"'{file}' does not exist; record results there, one line of JSON each.", file.FullName);
        var searches = new List<Search>();
        foreach (string line in File.ReadLines(file.FullName).Where(line => !string.IsNullOrWhiteSpace(line)))
        {
            try
            {
                if (JsonSerializer.Deserialize<Search>(line, JsonSerializerOptions.Web) is { Best: not null, Tuner: not null } search)
                    searches.Add(search);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"'{file}' holds a line that is no result of this program: {e.Message}", e);
            }
        }
        return searches;
    }
}
