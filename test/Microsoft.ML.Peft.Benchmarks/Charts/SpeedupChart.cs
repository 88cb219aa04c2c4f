using System.Globalization;
using ScottPlot;

namespace Microsoft.ML.Peft.Benchmarks.Charts;

/// <summary>Bars of how many times as fast as the naive way the library is, as SVG.</summary>
internal static class SpeedupChart
{
    private const int Width = 900;
    private const int HeightOfBar = 24;
    private const int Margin = 120;

    public static void Save(IReadOnlyList<Speedup> speedups, FileInfo output)
    {
        string[] precisions = [.. speedups.Select(speedup => speedup.Precision).Distinct().OrderDescending()];
        var works = speedups.GroupBy(speedup => (speedup.Model, speedup.Work)).OrderBy(work => work.Key.Model, StringComparer.Ordinal).ToList();
        var plot = new Plot();
        double slot = precisions.Length + 1;
        var palette = new ScottPlot.Palettes.Category10();
        for (int i = 0; i < works.Count; i++)
        {
            foreach (var speedup in works[i])
            {
                int series = Array.IndexOf(precisions, speedup.Precision);
                plot.Add.Bar(new Bar
                {
                    // The first work stands at the top.
                    Position = (works.Count - i) * slot - series,
                    Value = speedup.Ratio,
                    Orientation = Orientation.Horizontal,
                    FillColor = palette.GetColor(series),
                    LineWidth = 0,
                    Label = speedup.Ratio.ToString("0.0 ×", CultureInfo.InvariantCulture),
                });
            }
        }
        plot.Axes.Left.SetTicks(
            [.. works.Select((_, i) => (works.Count - i) * slot - (precisions.Length - 1) / 2.0)], [.. works.Select(work => $"{work.Key.Model}: {work.Key.Work}")]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Add.VerticalLine(1, color: Colors.Black);
        plot.Axes.SetLimitsX(0, speedups.Max(speedup => speedup.Ratio) * 1.15);
        plot.XLabel("times as fast as the same computation done the naive way, in 32-bit floats");
        plot.Legend.ManualItems = [.. precisions.Select((precision, series) => new LegendItem { LabelText = precision, FillColor = palette.GetColor(series) })];
        plot.ShowLegend(Alignment.LowerRight);
        plot.HideGrid();
        plot.SaveSvg(output.FullName, Width, Margin + (int)(works.Count * slot * HeightOfBar));
    }
}
