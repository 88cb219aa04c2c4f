using Microsoft.ML.AutoML;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Bridge;

/// <summary>The tuner of a session's own experiment.</summary>
internal sealed class TrialTuner(TrialSession session) : Microsoft.ML.AutoML.ITuner
{
    public Parameter Propose(TrialSettings settings) => TrialParameters.ToParameter(session.Tuner.Ask());

    public void Update(TrialResult result) => session.Tuner.Tell(-result.Loss);
}
