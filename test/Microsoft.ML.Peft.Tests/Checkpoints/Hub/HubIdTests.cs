using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

public sealed class HubIdTests
{
    [Theory]
    [InlineData("owner/name", "owner/name", "main", null)]
    [InlineData("google-bert/bert-base_uncased.v2", "google-bert/bert-base_uncased.v2", "main", null)]
    [InlineData("owner/name@v1.0", "owner/name", "v1.0", null)]
    [InlineData("owner/name@refs/pr/1", "owner/name", "refs/pr/1", null)]
    [InlineData("owner/name@0123456789abcdef0123456789abcdef01234567", "owner/name", "0123456789abcdef0123456789abcdef01234567", null)]
    [InlineData("owner/name-GGUF:name.Q4_K_M.gguf", "owner/name-GGUF", "main", "name.Q4_K_M.gguf")]
    [InlineData("owner/name@dev:folder/with space/name.gguf", "owner/name", "dev", "folder/with space/name.gguf")]
    public void A_repository_has_a_revision_and_perhaps_a_file(string text, string repository, string revision, string? file)
    {
        Assert.True(HubId.TryParse(text, out var id));
        Assert.Equal((repository, revision, file), (id.Repository, id.Revision, id.File));
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData("name")]
    [InlineData("a/b/c")]
    [InlineData("./name")]
    [InlineData("../name")]
    [InlineData("owner/..")]
    [InlineData("owner/na..me")]
    [InlineData("owner/na--me")]
    [InlineData("owner/name.git")]
    [InlineData("models/tiny.gguf")]
    [InlineData("/owner/name")]
    [InlineData("owner/name/")]
    [InlineData("owner\\name")]
    [InlineData("C:/models")]
    [InlineData("owner/na me")]
    [InlineData("owner/name\n")]
    [InlineData("owner/name@")]
    [InlineData("owner/name@../main")]
    [InlineData("owner/name@a/../../b")]
    [InlineData("owner/name@/main")]
    [InlineData("owner/name@ma in")]
    [InlineData("owner/name:")]
    [InlineData("owner/name:model.bin")]
    [InlineData("owner/name:../model.gguf")]
    [InlineData("owner/name:a/../../model.gguf")]
    [InlineData("owner/name:/model.gguf")]
    [InlineData("owner/name:a\\model.gguf")]
    [InlineData("owner/namenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename0")]
    public void Anything_else_is_no_id(string text)
    {
        Assert.False(HubId.TryParse(text, out _));
        var error = Assert.Throws<ArgumentException>("id", () => HubId.Parse(text, "id"));
        Assert.Contains("give owner/name, owner/name@revision or owner/name:file.gguf", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef01234567", true)]
    [InlineData("0123456789ABCDEF0123456789abcdef01234567", false)]
    [InlineData("0123456", false)]
    [InlineData("main", false)]
    public void A_commit_is_a_whole_hash(string revision, bool commit) => Assert.Equal(commit, HubId.IsCommit(revision));
}
