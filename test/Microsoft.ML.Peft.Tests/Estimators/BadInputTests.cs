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
    public void An_encoder_cannot_write_the_texts_of_a_text_label()
        => Refused<NotSupportedException>(Tickets.Load(_context), _ => { },
            $"The model '{Tickets.TinyModel}' is an encoder (bert) and cannot write; for generation use a decoder, such as the embedded SmolLM2-135M-Instruct. " +
            "For classes, put Conversion.MapValueToKey before this estimator.");

    [Fact]
    public void Texts_to_write_that_are_all_empty_are_refused()
        => Refused<ArgumentException>(_context.Data.LoadFromEnumerable([new TargetRow("", "a"), new TargetRow("", "b")]), Decoder,
            "All 2 labels of the training set in the column 'Label' are missing; at least some rows need a label.");

    [Fact]
    public void Tokens_to_write_that_leave_no_room_for_the_prompt_are_refused()
    {
        void Write(SoftPromptOptions o, int tokens)
        {
            Decoder(o);
            (o.VirtualTokens, o.Generation) = (20, new GenerationOptions { MaxNewTokens = tokens });
        }
        Refused<ArgumentOutOfRangeException>(Tickets.Load(_context), o => Write(o, 108),
            "MaxNewTokens = 108 and 20 virtual tokens leave 0 of the model's 128 positions for the prompt, whose template alone takes 1; write fewer tokens, or use fewer virtual tokens.");
        Refused<ArgumentOutOfRangeException>(Tickets.Load(_context), o => Write(o, 500),
            "MaxNewTokens = 500 and 20 virtual tokens leave 0 of the model's 128 positions for the prompt, whose template alone takes 1; write fewer tokens, or use fewer virtual tokens.");
        using var fits = Fit(Stories.Load(_context, 8), o => Write(o, 107));
    }

    [Fact]
    public void A_prompt_template_that_leaves_no_room_to_write_is_refused()
        => Refused<ArgumentException>(Tickets.Load(_context), o =>
        {
            Decoder(o);
            (o.MaxTokens, o.PromptTemplate) = (5, "a b c {text}");
        }, "The prompt template 'a b c {text}' takes 4 of at most 5 tokens, which leaves no room for a text to write; use a shorter template, fewer virtual tokens, or more MaxTokens.");

    [Fact]
    public void MaxTokens_count_beside_the_virtual_tokens_in_generation_too()
        => Refused<ArgumentOutOfRangeException>(Tickets.Load(_context), o =>
        {
            Decoder(o);
            o.MaxTokens = 128;
        }, "MaxTokens = 128 and 20 virtual tokens do not fit the model's 128 positions; use at most 108 tokens, or null.");

    [Fact]
    public void A_validation_set_needs_texts_to_write_as_the_training_set_has()
        => Refused<ArgumentException>(Tickets.Load(_context), o =>
        {
            Decoder(o);
            o.ValidationSet = _context.Data.LoadFromEnumerable([new FlagRow(true, "a")]);
        }, "The label column 'Label' means Generation in the training set, but Binary in the validation set; it must have the same type.");

    [Fact]
    public void Label_words_need_a_decoder()
        => Refused<NotSupportedException>(Tickets.Keyed(_context), o => o.Head = ClassificationHead.LabelWords,
            $"Head is LabelWords, but the model '{Tickets.TinyModel}' (bert) is no decoder, whose output layer could score them; " +
            "use one, such as the embedded SmolLM2-135M-Instruct, or Head = Trained.");

    [Fact]
    public void Label_words_need_classes_with_names()
    {
        static void Change(SoftPromptOptions o) => o.Head = ClassificationHead.LabelWords;
        Refused<ArgumentException>(Tickets.Load(_context), o => { Change(o); o.LabelColumnName = "Rating"; },
            "Head is LabelWords, which scores classes, but the label column 'Rating' means Regression; use Head = Trained.");
        Refused<ArgumentException>(Tickets.Load(_context), Change, "Head is LabelWords, which scores classes, but the label column 'Label' means Generation; use Head = Trained.");
        Refused<ArgumentException>(_context.Data.LoadFromEnumerable([new KeyRow()]), Change,
            "Head is LabelWords, but the label column 'Label' has no label names; map text labels with Conversion.MapValueToKey, or use Head = Trained.");
    }

    [Fact]
    public void Label_words_belong_to_labels_and_tell_them_apart()
    {
        void Words(SoftPromptOptions o, params (string Label, string Words)[] words)
        {
            Decoder(o);
            (o.Head, o.LabelWords) = (ClassificationHead.LabelWords, words.ToDictionary(pair => pair.Label, pair => pair.Words));
        }
        var rows = Tickets.Keyed(_context);
        Refused<ArgumentException>(rows, o => Words(o, ("billing", "money"), ("crashed", "error")),
            "LabelWords names the label 'crashed', but the label column 'Label' has 'billing', 'crash', 'praise'.");
        Refused<ArgumentException>(rows, o => Words(o, ("billing", "crash")),
            "The label words 'crash' and 'crash' have the same tokens, so that nothing tells their labels apart; give one of them other words in LabelWords.");
        Refused<ArgumentException>(rows, o => Words(o, ("praise", "")), "The label words '' have no tokens; give each label words.");
    }

    [Fact]
    public void Written_texts_are_evaluated_against_references_that_are_there()
    {
        var catalog = _context.TextGeneration();
        void Refuse(IDataView data, string message) => Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => catalog.Evaluate(data)).Message);
        Refuse(Tickets.Load(_context), "The generated text column 'GeneratedText' is missing; the columns are ");
        Refuse(_context.Data.LoadFromEnumerable([new IntegerRow(1, "a")]), "The label column 'Label' is Int32; it must be Text, or a vector of Text.");
        Refuse(_context.Data.LoadFromEnumerable(Array.Empty<WrittenRow>()), "There are no rows to evaluate.");
        Refuse(_context.Data.LoadFromEnumerable([new WrittenRow("a", "a"), new WrittenRow("", "a")]),
            "The label column 'Label' is empty in row 1 (the first is row 0); a written text can only be compared with a reference.");
    }

    [Fact]
    public void A_text_column_that_is_no_text_is_refused()
        => Refused<ArgumentException>(Tickets.Load(_context), o => { o.LabelColumnName = "IsCrash"; o.TextColumnName = "Rating"; },
            "The text column 'Rating' is Single; it must be a single Text per row.");

    [Fact]
    public void A_label_of_an_unsupported_type_is_refused_with_the_supported_ones()
        => Refused<ArgumentException>(_context.Data.LoadFromEnumerable([new IntegerRow(1, "a")]), _ => { },
            "The label column 'Label' is Int32; it must be a Key (multiclass classification, see Conversion.MapValueToKey), a Boolean (binary classification), a Single (regression) or a Text (generation).");

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

    private static void Decoder(SoftPromptOptions options) => options.Model = Fixtures.Model("tiny-llama");

    private sealed record TargetRow(string Label, string Text);

    private sealed record WrittenRow(string Label, string GeneratedText);

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Label { get; set; } = 1;

        public string Text { get; set; } = "";
    }

    private sealed record IntegerRow(int Label, string Text);

    private sealed record FlagRow(bool Label, string Text);
}
