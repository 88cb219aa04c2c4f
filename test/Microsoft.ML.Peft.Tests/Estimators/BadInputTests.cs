using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>What a user can do wrong at Fit, and the one sentence each mistake ends with.</summary>
public sealed class BadInputTests
{
    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void A_missing_column_is_named_with_the_columns_there_are()
    {
        var rows = Tickets.Load(_context);
        Refused<ArgumentException>(rows, o => o.LabelColumnName = "Labell", "The label column 'Labell' is missing; the columns are 'Label', 'IsCrash', 'Rating', 'Text', 'Second'.");
        Refused<ArgumentException>(rows, o => { o.LabelColumnName = "Rating"; o.TextColumnName = "Body"; },
            "The text column 'Body' is missing; the columns are 'Label', 'IsCrash', 'Rating', 'Text', 'Second'.");
        Refused<ArgumentException>(rows, o => { o.LabelColumnName = "Rating"; o.SecondTextColumnName = "Body"; },
            "The second text column 'Body' is missing; the columns are 'Label', 'IsCrash', 'Rating', 'Text', 'Second'.");
    }

    [Fact]
    public void A_decoders_first_token_is_refused_as_pooling()
        => Refused<ArgumentException>(Tickets.Load(_context), o => (o.LabelColumnName, o.Model, o.Pooling) = ("Rating", Fixtures.Model("tiny-gpt2"), Pooling.Cls),
            "Pooling.Cls reads the first token, which in a decoder sees nothing of the text; use Pooling.Auto or Pooling.Mean.");

    [Fact]
    public void Text_labels_are_refused_with_the_way_out()
        => Refused<NotSupportedException>(Tickets.Load(_context), _ => { },
            "The label column 'Label' is Text, which would mean text generation; that is not supported. For classes, put Conversion.MapValueToKey(\"Label\") before this estimator");

    [Fact]
    public void A_text_column_that_is_no_text_is_refused()
        => Refused<ArgumentException>(Tickets.Load(_context), o => { o.LabelColumnName = "IsCrash"; o.TextColumnName = "Rating"; },
            "The text column 'Rating' is Single; it must be a single Text per row.");

    [Fact]
    public void A_label_of_an_unsupported_type_is_refused_with_the_supported_ones()
        => Refused<ArgumentException>(_context.Data.LoadFromEnumerable([new IntegerRow(1, "a")]), _ => { },
            "The label column 'Label' is Int32; it must be a Key (multiclass classification, see Conversion.MapValueToKey), a Boolean (binary classification) or a Single (regression).");

    [Fact]
    public void An_empty_training_set_is_refused()
        => Refused<ArgumentException>(_context.Data.LoadFromEnumerable(Array.Empty<Ticket>()), o => o.LabelColumnName = "Rating",
            "The training set is empty; it needs rows with the columns 'Rating' and 'Text'.");

    [Fact]
    public void Labels_that_are_all_missing_are_refused()
        => Refused<ArgumentException>(_context.Data.LoadFromEnumerable([new Ticket { Rating = float.NaN, Text = "a" }]), o => o.LabelColumnName = "Rating",
            "All 1 labels of the training set in the column 'Rating' are missing; at least some rows need a label.");

    [Fact]
    public void A_single_class_is_refused()
    {
        var rows = _context.Data.LoadFromEnumerable(Tickets.Rows(9).Where(t => t.IsCrash).ToList());
        Refused<ArgumentException>(rows, o => o.LabelColumnName = "IsCrash",
            "All 3 labels of the training set in the column 'IsCrash' are the same class; classification needs at least two.");
        var keyed = _context.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        Refused<ArgumentException>(keyed, _ => { }, "All 3 labels of the training set in the column 'Label' are the same class; classification needs at least two.");
    }

    [Fact]
    public void An_infinite_label_is_refused_with_its_row()
        => Refused<ArgumentException>(
            _context.Data.LoadFromEnumerable([new Ticket { Rating = 1, Text = "a" }, new Ticket { Rating = float.PositiveInfinity, Text = "b" }]),
            o => o.LabelColumnName = "Rating",
            "The label column 'Rating' is infinite in row 1 (the first is row 0); remove the row or replace its label by a number.");

    [Fact]
    public void A_validation_set_needs_the_columns_of_the_training_set()
        => Refused<ArgumentException>(Tickets.Load(_context), o =>
        {
            o.LabelColumnName = "Rating";
            o.ValidationSet = _context.Data.LoadFromEnumerable([new IntegerRow(1, "a")]);
        }, "The validation set has no column 'Rating'; it needs the same columns as the training set.");

    [Fact]
    public void A_validation_set_needs_the_label_type_of_the_training_set()
        => Refused<ArgumentException>(Tickets.Keyed(_context), o => o.ValidationSet = _context.Data.LoadFromEnumerable([new FlagRow(true, "a")]),
            "The label column 'Label' means Multiclass in the training set, but Binary in the validation set; it must have the same type.");

    [Fact]
    public void A_validation_set_needs_the_classes_of_the_training_set_in_the_same_order()
    {
        var reversed = _context.Data.LoadFromEnumerable(Tickets.Rows(9).Reverse().ToList());
        var validation = _context.Transforms.Conversion.MapValueToKey("Label").Fit(reversed).Transform(reversed);
        Refused<ArgumentException>(Tickets.Keyed(_context), o => o.ValidationSet = validation,
            "The label column 'Label' has other classes in the validation set ('praise', 'crash', 'billing') than in the training set ('billing', 'crash', 'praise'); " +
            "transform both with the same fitted MapValueToKey.");
    }

    [Fact]
    public void A_validation_set_is_checked_as_the_training_set_is()
        => Refused<ArgumentException>(Tickets.Load(_context), o =>
        {
            o.LabelColumnName = "Rating";
            o.ValidationSet = _context.Data.LoadFromEnumerable(Array.Empty<Ticket>());
        }, "The validation set is empty; it needs rows with the columns 'Rating' and 'Text'.");

    [Fact]
    public void Label_words_need_label_names()
    {
        var error = Assert.Throws<ArgumentException>(() => _context.Transforms.PromptTuning(new PromptTuningOptions
        {
            Model = Tickets.TinyModel,
            LabelColumnName = "Rating",
            Initialization = PromptInitialization.LabelWords,
        }).Fit(Tickets.Load(_context)));
        Assert.Equal("Initialization is LabelWords, but the label column 'Rating' has no label names; choose another initialization.", error.Message);
    }

    [Fact]
    public void A_device_that_is_missing_is_named()
    {
        _context.GpuDeviceId = 99;
        Refused<InvalidOperationException>(Tickets.Load(_context), o => o.LabelColumnName = "Rating", "MLContext.GpuDeviceId is 99, but ");
    }

    [Fact]
    public void A_cancelled_token_stops_before_the_model_is_loaded()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Refused<OperationCanceledException>(Tickets.Load(_context), o =>
        {
            o.LabelColumnName = "Rating";
            o.Model = "/no/such/model";
            o.CancellationToken = source.Token;
        }, "");
    }

    [Fact]
    public void Cancelling_the_context_stops_training()
    {
        var estimator = _context.Transforms.PrefixTuning(new PrefixTuningOptions { LabelColumnName = "Rating", Model = Tickets.TinyModel });
        typeof(MLContext).GetMethod("CancelExecution", BindingFlags.NonPublic | BindingFlags.Instance)!.Invoke(_context, null);
        Assert.Throws<OperationCanceledException>(() => estimator.Fit(Tickets.Load(_context)));
    }

    [Fact]
    public void A_model_that_does_not_exist_is_named()
    {
        var error = Assert.ThrowsAny<IOException>(() => Fit(Tickets.Load(_context), o =>
        {
            o.LabelColumnName = "Rating";
            o.Model = "/no/such/model";
        }));
        Assert.Contains("/no/such/model", error.Message);
    }

    [Fact]
    public void More_virtual_tokens_than_the_model_has_positions_are_refused()
        => Assert.ThrowsAny<ArgumentException>(() => Fit(Tickets.Load(_context), o =>
        {
            o.LabelColumnName = "Rating";
            o.VirtualTokens = 100_000;
        }));

    private void Refused<T>(IDataView rows, Action<SoftPromptOptions> change, string message) where T : Exception
        => Assert.StartsWith(message, Assert.Throws<T>(() => Fit(rows, change)).Message);

    private SoftPromptTransformer Fit(IDataView rows, Action<SoftPromptOptions> change)
    {
        var options = new PrefixTuningOptions { Model = Tickets.TinyModel, MaxEpochs = 1 };
        change(options);
        return _context.Transforms.PrefixTuning(options).Fit(rows);
    }

    private sealed record IntegerRow(int Label, string Text);

    private sealed record FlagRow(bool Label, string Text);
}
