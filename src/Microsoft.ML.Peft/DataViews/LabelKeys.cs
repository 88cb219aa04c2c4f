using System.Globalization;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The key values of a label column, in class order; of any primitive type.</summary>
internal abstract class LabelKeys(VectorDataViewType type)
{
    /// <summary>The annotation's type: a vector of known size.</summary>
    public VectorDataViewType Type { get; } = type;

    /// <summary>The values as text, culture-invariant.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    public bool IsText => Type.ItemType is TextDataViewType;

    public static LabelKeys? From(DataViewSchema.Column label)
    {
        const string kind = AnnotationUtils.Kinds.KeyValues;
        if (label.Annotations.Schema.GetColumnOrNull(kind)?.Type is not VectorDataViewType { IsKnownSize: true } type)
            return null;
        return (LabelKeys)Invoke(nameof(Read), type, label.Annotations, type)!;
    }

    public bool SameAs(LabelKeys other) => Type.ItemType.Equals(other.Type.ItemType) && Names.SequenceEqual(other.Names);

    /// <summary>Adds the values to a column's annotations.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder annotations, string kind);

    public abstract void Save(IHostEnvironment environment, Stream stream);

    public static LabelKeys Load(IHostEnvironment environment, Stream stream)
    {
        var reader = new BinarySaver(environment, new BinarySaver.Arguments());
        if (!reader.TryLoadTypeAndValue(stream, out var type, out var value) || type is not VectorDataViewType { IsKnownSize: true } vector)
            throw new InvalidDataException("The saved soft prompt's label values cannot be read; save the model again.");
        return (LabelKeys)Invoke(nameof(Wrap), vector, vector, value)!;
    }

    private static LabelKeys Read<T>(DataViewSchema.Annotations annotations, VectorDataViewType type)
    {
        VBuffer<T> values = default;
        annotations.GetValue(AnnotationUtils.Kinds.KeyValues, ref values);
        return Wrap<T>(type, values);
    }

    private static Values<T> Wrap<T>(VectorDataViewType type, object values) => new(type, ((VBuffer<T>)values).DenseValues().ToArray());

    private static object? Invoke(string method, VectorDataViewType type, params object[] arguments)
        => typeof(LabelKeys).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type.ItemType.RawType).Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private sealed class Values<T>(VectorDataViewType type, T[] values) : LabelKeys(type)
    {
        public override IReadOnlyList<string> Names { get; } = [.. values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)!)];

        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string kind)
            => annotations.Add(kind, Type, (ref VBuffer<T> target) =>
            {
                var editor = VBufferEditor.Create(ref target, values.Length);
                values.CopyTo(editor.Values);
                target = editor.Commit();
            });

        public override void Save(IHostEnvironment environment, Stream stream)
        {
            var buffer = new VBuffer<T>(values.Length, values);
            if (!new BinarySaver(environment, new BinarySaver.Arguments()).TryWriteTypeAndValue(stream, Type, ref buffer, out _))
                throw new NotSupportedException($"Label values of type {Type.ItemType} cannot be saved; map the labels from text or numbers.");
        }
    }
}
