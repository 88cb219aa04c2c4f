namespace Microsoft.ML.Peft.Inference;

/// <summary>Counts the users of native memory, of which there is one from the start, the owner; the last one to leave frees it.</summary>
internal sealed class Users(Action free)
{
    private int _count = 1;

    /// <summary>One more user; false if it is freed already.</summary>
    public bool TryEnter()
    {
        for (int count = Volatile.Read(ref _count); count > 0;)
        {
            int seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
                return true;
            count = seen;
        }
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0)
            free();
    }
}
