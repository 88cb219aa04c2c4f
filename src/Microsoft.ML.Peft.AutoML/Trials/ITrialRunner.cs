namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Runs trials. Trials run at the same time; each only writes to its own directory.</summary>
internal interface ITrialRunner
{
    /// <summary>What the frozen model achieves without a soft prompt.</summary>
    /// <param name="model">The frozen model's name.</param>
    /// <param name="cancellationToken">Stops it with an <see cref="OperationCanceledException"/>.</param>
    TrialReport RunBaseline(string model, CancellationToken cancellationToken);

    /// <summary>
    /// Trains up to an epoch, from the trial's checkpoint if there is one that is no further, and leaves a checkpoint and the best epoch's
    /// adapter. Whatever was interrupted where, the result is the same.
    /// </summary>
    /// <param name="request">The trial.</param>
    /// <param name="epochDone">
    /// Called after each epoch once its checkpoint is on the disk; also for epochs that an earlier, interrupted run has trained.
    /// </param>
    /// <param name="cancellationToken">Stops it with an <see cref="OperationCanceledException"/>.</param>
    TrialReport Run(TrialRequest request, Action<PeftEpoch> epochDone, CancellationToken cancellationToken);

    /// <summary>Trains a trial's configuration anew on training and validation rows together. Called when no trial is running.</summary>
    /// <param name="request">The trial.</param>
    /// <param name="cancellationToken">Stops it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The size of the adapter's files in bytes.</returns>
    long Refit(RefitRequest request, CancellationToken cancellationToken);
}
