namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>A trie over the UTF-16 code units of tokens.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<long, int> _children = [];
    private readonly List<int?> _tokens = [null];

    public void Add(string token, int id)
    {
        int node = 0;
        foreach (char unit in token)
        {
            if (!_children.TryGetValue(Key(node, unit), out int child))
            {
                child = _tokens.Count;
                _tokens.Add(null);
                _children.Add(Key(node, unit), child);
            }
            node = child;
        }
        _tokens[node] = id;
    }

    public Walk Start() => new(this);

    private static long Key(int node, char unit) => ((long)node << 16) | unit;

    /// <summary>A way down the trie.</summary>
    public struct Walk(TokenTrie trie)
    {
        private int _node;

        /// <summary>The token that ends here, if any.</summary>
        public readonly int? Token => trie._tokens[_node];

        public bool TryStep(char unit) => trie._children.TryGetValue(Key(_node, unit), out _node);
    }
}
