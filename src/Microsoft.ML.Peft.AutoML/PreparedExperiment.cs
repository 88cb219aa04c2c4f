using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>An experiment whose settings were checked and whose data was read: nothing but trials is left to do.</summary>
/// <param name="Plan">What to search.</param>
/// <param name="Tuner">Decides.</param>
/// <param name="Runner">Trains.</param>
/// <param name="Models">The frozen models, which stay loaded as long as this lives.</param>
/// <param name="Threads">The threads that trials share as long as this lives.</param>
internal sealed record PreparedExperiment(SearchPlan Plan, ITuner Tuner, ITrialRunner Runner, SharedModels Models, ThreadShare Threads) : IDisposable
{
    public void Dispose()
    {
        Threads.Dispose();
        Models.Dispose();
    }
}
