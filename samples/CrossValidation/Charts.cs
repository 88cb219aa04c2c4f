using Microsoft.ML.Data;
using ScottPlot;

namespace CrossValidation;

/// <summary>The charts, as SVG.</summary>
internal static class Charts
{
    private const int Side = 640;
    private const int Legend = 160;

    /// <summary>Rows are what a text is, columns what it was taken for; a colour says how many of the class, a number how many texts.</summary>
    public static void SaveConfusion(IEnumerable<ConfusionMatrix> folds, IReadOnlyList<string> classes, string file)
    {
        int n = classes.Count;
        var counts = new double[n, n];
        foreach (var fold in folds)
        {
            for (int i = 0; i < n * n; i++)
                counts[i / n, i % n] += fold.Counts[i / n][i % n];
        }
        var plot = new Plot();
        var colours = new ScottPlot.Colormaps.Blues().Reversed();
        for (int row = 0; row < n; row++)
        {
            double all = Enumerable.Range(0, n).Sum(column => counts[row, column]);
            for (int column = 0; column < n; column++)
            {
                double share = all == 0 ? 0 : counts[row, column] / all;
                AddCell(plot, column, n - 1 - row, counts[row, column], colours.GetColor(share), isDark: share >= 0.5);
            }
        }
        plot.Axes.Left.SetTicks([.. Enumerable.Range(0, n).Select(i => (double)(n - 1 - i))], [.. classes]);
        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, n).Select(i => (double)i)], [.. classes]);
        plot.Axes.Bottom.TickLabelStyle.Rotation = -40;
        plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.MiddleRight;
        plot.Axes.Bottom.MinimumSize = Legend;
        plot.Axes.SetLimits(-0.5, n - 0.5, -0.5, n - 0.5);
        plot.YLabel("is");
        plot.XLabel("was taken for");
        plot.HideGrid();
        plot.SaveSvg(file, Side + Legend, Side + Legend);
    }

    /// <summary>Confidence against accuracy; a point's size says how many texts it stands for. On the diagonal probabilities mean what they say.</summary>
    public static void SaveCalibration(Calibration calibration, string file)
    {
        var plot = new Plot();
        var diagonal = plot.Add.Line(0, 0, 1, 1);
        diagonal.LineColor = Colors.Gray;
        diagonal.LinePattern = LinePattern.Dashed;
        double most = calibration.Bins.Max(bin => bin.Rows);
        double[] confidences = [.. calibration.Bins.Select(bin => bin.Confidence)], accuracies = [.. calibration.Bins.Select(bin => bin.Accuracy)];
        var line = plot.Add.ScatterLine(confidences, accuracies);
        foreach (var bin in calibration.Bins)
        {
            plot.Add.Marker(bin.Confidence, bin.Accuracy, MarkerShape.FilledCircle, (float)(6 + 18 * Math.Sqrt(bin.Rows / most)), line.Color);
            var rows = plot.Add.Text($"{bin.Rows}", bin.Confidence, bin.Accuracy);
            (rows.Alignment, rows.OffsetX, rows.OffsetY) = (Alignment.UpperLeft, 8, 8);
        }
        plot.Axes.SetLimits(0, 1.05, 0, 1.05);
        plot.XLabel("probability of the likeliest class");
        plot.YLabel("share of texts that are of it");
        plot.Title($"Expected calibration error {calibration.Error:P1}");
        plot.SaveSvg(file, Side, Side);
    }

    /// <summary>A rectangle: viewers would blur the few pixels of a heat map.</summary>
    private static void AddCell(Plot plot, double x, double y, double count, Color colour, bool isDark)
    {
        var cell = plot.Add.Rectangle(x - 0.5, x + 0.5, y - 0.5, y + 0.5);
        (cell.FillColor, cell.LineColor, cell.LineWidth) = (colour, Colors.White, 1);
        if (count == 0)
            return;
        var text = plot.Add.Text($"{count:0}", x, y);
        text.Alignment = Alignment.MiddleCenter;
        text.LabelFontColor = isDark ? Colors.White : Colors.Black;
    }
}
