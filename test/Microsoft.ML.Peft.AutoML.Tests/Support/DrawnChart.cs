using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>An element of a chart's SVG.</summary>
/// <param name="Tag">`path` or `text`.</param>
/// <param name="Text">What a text says.</param>
/// <param name="Path">A path's commands.</param>
/// <param name="Fill">The colour that it is filled with, or `none`.</param>
/// <param name="Stroke">The colour that it is drawn with, or `none`.</param>
/// <param name="X">The middle of the box around it.</param>
/// <param name="Y">The middle of the box around it.</param>
/// <param name="Width">The width of that box.</param>
/// <param name="Left">The left side of that box.</param>
public sealed record DrawnMark(string Tag, string Text, string Path, string Fill, string Stroke, double X, double Y, double Width, double Left)
{
    /// <summary>The corners of a path of straight lines.</summary>
    public IReadOnlyList<(double X, double Y)> Corners =>
        [.. Regex.Matches(Path, @"(-?[\d.]+)[ ,](-?[\d.]+)").Select(match => (Number(match.Groups[1].Value), Number(match.Groups[2].Value)))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>The marks of a chart, and its scales as its own tick labels tell them, so that positions are checked against what a reader sees.</summary>
internal sealed partial class DrawnChart(IReadOnlyList<DrawnMark> marks)
{
    /// <summary>Positions are relative to the chart, as the paths' own are.</summary>
    public const string Script = """
        id => {
          const svg = document.querySelector(`#${id} svg`), origin = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("path, text")].map(mark => {
            const box = mark.getBoundingClientRect(), style = getComputedStyle(mark);
            return {
              tag: mark.tagName, text: mark.textContent, path: mark.getAttribute("d") ?? "", fill: style.fill, stroke: style.stroke,
              x: box.x + box.width / 2 - origin.x, y: box.y + box.height / 2 - origin.y, width: box.width, left: box.x - origin.x,
            };
          });
        }
        """;

    public IReadOnlyList<DrawnMark> Texts => [.. marks.Where(mark => mark.Tag == "text")];

    public IReadOnlyList<DrawnMark> Filled(string color) => [.. marks.Where(mark => mark.Tag == "path" && mark.Fill == color)];

    public IReadOnlyList<DrawnMark> Lines(string color) => [.. marks.Where(mark => mark.Tag == "path" && mark.Fill == "none" && mark.Stroke == color)];

    /// <summary>From a value to pixels, by the tick labels that stand below each other and are farthest to the left.</summary>
    public Func<double, double> Vertical(Func<double, double>? scale = null)
    {
        var numbers = Numbers(text => text);
        var labels = numbers.GroupBy(label => Math.Round((label.Mark.Left + label.Mark.Width) / 4)).Where(group => group.Count() > 1).MinBy(group => group.Key)!;
        return Scale([.. labels.Select(label => (label.Value, label.Mark.Y))], scale);
    }

    /// <summary>From a value to pixels, by the tick labels that stand beside each other and are lowest.</summary>
    public Func<double, double> Horizontal(Func<string, string>? clean = null, Func<double, double>? scale = null)
    {
        var labels = Numbers(clean ?? (text => text)).GroupBy(label => Math.Round(label.Mark.Y / 4)).Where(group => group.Count() > 1).MaxBy(group => group.Key)!;
        return Scale([.. labels.Select(label => (label.Value, label.Mark.X))], scale);
    }

    private List<(double Value, DrawnMark Mark)> Numbers(Func<string, string> clean)
        => [.. Texts.Where(text => Figure().IsMatch(clean(text.Text))).Select(text => (double.Parse(clean(text.Text), CultureInfo.InvariantCulture), text))];

    private static Func<double, double> Scale(List<(double Value, double Pixel)> labels, Func<double, double>? scale)
    {
        scale ??= value => value;
        var (first, last) = (labels.MinBy(label => label.Value), labels.MaxBy(label => label.Value));
        double perUnit = (last.Pixel - first.Pixel) / (scale(last.Value) - scale(first.Value));
        return value => first.Pixel + perUnit * (scale(value) - scale(first.Value));
    }

    [GeneratedRegex(@"^-?[\d.]+(e-?\d+)?$")]
    private static partial Regex Figure();
}
