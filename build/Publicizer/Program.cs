// Publicizer <reference assembly> <output> <member> ...      member = Namespace.Type[+Nested][::Member]
//
// Copies a reference assembly and makes the named members public in the copy, so that the compiler lets
// Microsoft.ML.Peft use them; at run time IgnoresAccessChecksToAttribute does the same for the runtime.
// A member that is gone is a build error: nothing else of the assembly is opened.
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

const int visibilityMask = 7, publicType = 1, publicNestedType = 2, publicMember = 6, methodFlagsOffset = 6;

string input = args[0], output = args[1];
var wanted = args.Skip(2).ToHashSet();
var found = new HashSet<string>();
var image = File.ReadAllBytes(input);

using (var reader = new PEReader(new MemoryStream(image.ToArray())))
{
    var metadata = reader.GetMetadataReader();
    int start = reader.PEHeaders.MetadataStartOffset;

    int Row(TableIndex table, EntityHandle handle) => start + metadata.GetTableMetadataOffset(table)
        + (MetadataTokens.GetRowNumber(handle) - 1) * metadata.GetTableRowSize(table);

    string NameOf(TypeDefinition type)
    {
        if (type.GetDeclaringType() is { IsNil: false } outer)
            return NameOf(metadata.GetTypeDefinition(outer)) + "+" + metadata.GetString(type.Name);
        return (type.Namespace.IsNil ? "" : metadata.GetString(type.Namespace) + ".") + metadata.GetString(type.Name);
    }

    void Open(string name, int offset, int visibility)
    {
        if (!wanted.Contains(name))
            return;
        found.Add(name);
        image[offset] = (byte)((image[offset] & ~visibilityMask) | visibility);
    }

    foreach (var handle in metadata.TypeDefinitions)
    {
        var type = metadata.GetTypeDefinition(handle);
        var name = NameOf(type);
        Open(name, Row(TableIndex.TypeDef, handle), type.GetDeclaringType().IsNil ? publicType : publicNestedType);
        foreach (var method in type.GetMethods())
            Open($"{name}::{metadata.GetString(metadata.GetMethodDefinition(method).Name)}", Row(TableIndex.MethodDef, method) + methodFlagsOffset, publicMember);
        foreach (var field in type.GetFields())
            Open($"{name}::{metadata.GetString(metadata.GetFieldDefinition(field).Name)}", Row(TableIndex.Field, field), publicMember);
    }
}

var missing = wanted.Except(found).ToList();
foreach (var member in missing)
    Console.Error.WriteLine($"Publicizer : error PEFT001: {Path.GetFileName(input)} has no member {member}; this version of Microsoft.ML is not supported");
if (missing.Count > 0)
    return 1;

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
File.WriteAllBytes(output, image);
return 0;
