using Microsoft.ML.Peft.Checkpoints.Hub;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

public sealed class HubOptionsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Without_variables_the_cache_is_in_the_users_folder_and_the_hub_the_public_one()
    {
        var options = From();
        Assert.Equal(Path.Combine(User, ".cache", "huggingface", "hub"), options.CacheDirectory);
        Assert.Equal("https://huggingface.co", options.Endpoint);
        Assert.False(options.Offline);
        Assert.True(options.SymbolicLinks);
    }

    [Theory]
    [InlineData("/x/hub", "XDG_CACHE_HOME=/c", "HF_HOME=/h", "HF_HUB_CACHE=/x/hub")]
    [InlineData("/old", "HF_HOME=/h", "HUGGINGFACE_HUB_CACHE=/old")]
    [InlineData("/h/hub", "XDG_CACHE_HOME=/c", "HF_HOME=/h")]
    [InlineData("/c/huggingface/hub", "XDG_CACHE_HOME=/c", "HF_HOME=")]
    [InlineData("/data/mine/hub", "WHERE=/data", "HF_HOME=$WHERE/mine")]
    [InlineData("/data/mine/hub", "WHERE=/data", "HF_HOME=${WHERE}/mine")]
    public void The_cache_is_where_the_variables_say(string expected, params string[] variables) =>
        Assert.Equal(Path.GetFullPath(expected), From(variables).CacheDirectory);

    [Fact]
    public void A_tilde_is_the_users_folder() => Assert.Equal(Path.Combine(User, "models", "hub"), From("HF_HOME=~/models").CacheDirectory);

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("ON", true)]
    [InlineData("yes", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void Offline_is_said_as_in_Python(string value, bool offline)
    {
        Assert.Equal(offline, From($"HF_HUB_OFFLINE={value}").Offline);
        Assert.Equal(offline, From($"TRANSFORMERS_OFFLINE={value}").Offline);
        Assert.Equal(!offline, From($"HF_HUB_DISABLE_SYMLINKS={value}").SymbolicLinks);
    }

    [Fact]
    public void The_token_is_the_variables_before_the_files()
    {
        _directory.Write("token", "hf_file\n");
        string home = $"HF_HOME={_directory.Path}";
        Assert.Equal("hf_file", From(home).Token);
        Assert.Equal("hf_old", From(home, "HUGGING_FACE_HUB_TOKEN=hf_old").Token);
        Assert.Equal("hf_new", From(home, "HUGGING_FACE_HUB_TOKEN=hf_old", "HF_TOKEN= hf_new ").Token);
        Assert.Equal("hf_file", From($"HF_TOKEN_PATH={_directory.File("token")}", $"HF_HOME={_directory.File("none")}").Token);
        Assert.Null(From(home, "HF_TOKEN=hf_new", "HF_HUB_DISABLE_IMPLICIT_TOKEN=1").Token);
        Assert.Null(From($"HF_HOME={_directory.File("none")}").Token);
    }

    [Fact]
    public void A_token_that_is_none_is_refused_without_repeating_it()
    {
        string message = Assert.Throws<ArgumentException>(() => From("HF_TOKEN=hf_secret\nX-Other: 1")).Message;
        Assert.Contains("HF_TOKEN", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_token_is_not_printed() => Assert.DoesNotContain("hf_secret", From("HF_TOKEN=hf_secret").ToString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("https://hub.example/", "https://hub.example")]
    [InlineData("http://127.0.0.1:8080/api/hf/", "http://127.0.0.1:8080/api/hf")]
    public void A_mirror_is_an_address(string given, string expected) => Assert.Equal(expected, From($"HF_ENDPOINT={given}").Endpoint);

    [Theory]
    [InlineData("HF_ENDPOINT=hub.example")]
    [InlineData("HF_ENDPOINT=file:///etc")]
    [InlineData("HF_HUB_DOWNLOAD_TIMEOUT=soon")]
    [InlineData("HF_HUB_DOWNLOAD_TIMEOUT=0")]
    public void A_value_that_cannot_be_used_is_named(string variable)
    {
        string message = Assert.Throws<ArgumentException>(() => From(variable)).Message;
        Assert.StartsWith(variable.Split('=')[0], message, StringComparison.Ordinal);
        Assert.Contains(variable.Split('=')[1], message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_timeout_is_in_seconds() => Assert.Equal(TimeSpan.FromSeconds(2.5), From("HF_HUB_DOWNLOAD_TIMEOUT=2.5").StallTimeout);

    public void Dispose() => _directory.Dispose();

    private static string User => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static HubOptions From(params string[] variables)
    {
        var values = variables.Select(variable => variable.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        return HubOptions.From(name => values.GetValueOrDefault(name));
    }
}
