using System.Globalization;
using Microsoft.ML.Peft.AutoML.Reports;

namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>Figures as a person reads them.</summary>
internal static class Words
{
    public static string Metric(double value) => double.IsNaN(value) ? "" : value.ToString("0.0000", CultureInfo.InvariantCulture);

    public static string Time(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    public static string Options(PeftTrialResult trial) => string.Join(", ", trial.Parameters.Select(option => $"{option.Key} {OptionText.Of(option.Value)}"));

    public static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
