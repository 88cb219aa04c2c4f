using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class LabelKeysTests
{
    [Fact]
    public void Text_values_survive_saving()
    {
        var keys = Keys(TextDataViewType.Instance, "bug".AsMemory(), "".AsMemory(), "Frage öäü 😀".AsMemory());
        Assert.Equal(["bug", "", "Frage öäü 😀"], SaveAndLoad(keys).Names);
        Assert.True(keys.IsText);
    }

    [Fact]
    public void Values_of_every_primitive_type_survive_saving()
    {
        Check(BooleanDataViewType.Instance, false, true);
        Check(NumberDataViewType.SByte, (sbyte)-1, (sbyte)2);
        Check(NumberDataViewType.Byte, (byte)1, (byte)2);
        Check(NumberDataViewType.Int16, (short)-1, (short)2);
        Check(NumberDataViewType.UInt16, (ushort)1, (ushort)2);
        Check(NumberDataViewType.Int32, -1, 2);
        Check(NumberDataViewType.UInt32, 1u, 2u);
        Check(NumberDataViewType.Int64, -1L, 2L);
        Check(NumberDataViewType.UInt64, 1ul, 2ul);
        Check(NumberDataViewType.Single, 0.1f, float.MaxValue, float.NegativeInfinity);
        Check(NumberDataViewType.Double, 0.1, double.MaxValue);
        Check(TimeSpanDataViewType.Instance, TimeSpan.FromDays(1), TimeSpan.FromTicks(3));
        Check(DateTimeDataViewType.Instance, new DateTime(2020, 1, 1), new DateTime(2021, 1, 1));
        Check(DateTimeOffsetDataViewType.Instance, new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Values_without_a_json_form_are_refused_when_training_starts()
    {
        var error = Assert.Throws<NotSupportedException>(() => Keys(RowIdDataViewType.Instance, new DataViewRowId(1, 2), new DataViewRowId(3, 4)));
        Assert.StartsWith("The key values of the label column 'Label' are", error.Message);
    }

    [Fact]
    public void Other_values_another_order_and_another_type_are_told_apart()
    {
        var keys = Keys(NumberDataViewType.Int32, 1, 2);
        Assert.True(keys.SameAs(Keys(NumberDataViewType.Int32, 1, 2)));
        Assert.False(keys.SameAs(Keys(NumberDataViewType.Int32, 2, 1)));
        Assert.False(keys.SameAs(Keys(NumberDataViewType.Int32, 1, 2, 3)));
        Assert.False(keys.SameAs(Keys(TextDataViewType.Instance, "1".AsMemory(), "2".AsMemory())));
    }

    [Fact]
    public void A_key_without_values_has_none()
        => Assert.Null(LabelKeys.From(AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 2))["Label"]));

    [Fact]
    public void As_many_values_as_classes_are_needed()
    {
        var schema = AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 3), AnnotatedView.KeyValues(NumberDataViewType.Int32, 1, 2));
        var error = Assert.Throws<ArgumentException>(() => PredictionShape.Of(schema, TestColumns.Names));
        Assert.Equal("The label column 'Label' is a Key of 3 classes, but has 2 key values; they must be as many.", error.Message);
    }

    private static void Check<T>(PrimitiveDataViewType type, params T[] values)
    {
        var keys = Keys(type, values);
        var loaded = SaveAndLoad(keys);
        Assert.Equal(keys.Type, loaded.Type);
        Assert.True(keys.SameAs(loaded));
        Assert.False(keys.IsText);
    }

    private static LabelKeys Keys<T>(PrimitiveDataViewType type, params T[] values)
        => LabelKeys.From(AnnotatedView.Schema(new KeyDataViewType(typeof(uint), values.Length), AnnotatedView.KeyValues(type, values))["Label"])!;

    private static LabelKeys SaveAndLoad(LabelKeys keys) => LabelKeys.FromJson(keys.ToJson());
}
