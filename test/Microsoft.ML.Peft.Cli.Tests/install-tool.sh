#!/usr/bin/env bash
# Packs peftml, installs it from the packed files alone, far from the repository, and uses it there: the embedded model and the
# native library have to be in the package. Takes a few minutes and two gigabytes of temporary space, so it is no part of the tests.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
system=${1:-linux-x64}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

project=$repository/src/Microsoft.ML.Peft.Cli
# Builds for a runtime identifier resolve other packages than the lock file's, and must not change it.
options=(-c Release -v q -o "$work/packages" -p:RestorePackagesWithLockFile=false --artifacts-path "$work/artifacts")
dotnet pack "$project" "${options[@]}" -r "$system"
dotnet pack "$project" "${options[@]}"
ls -l "$work/packages"

cd "$work"
printf '<configuration><packageSources><clear /><add key="packed" value="packages" /></packageSources></configuration>' > nuget.config
NUGET_PACKAGES=$work/cache dotnet tool install peftml --tool-path "$work/tool" --configfile nuget.config
# Nothing of the repository, and no models elsewhere.
export HOME=$work/home PEFTML_MODELS= HF_HUB_OFFLINE=1 PATH=$work/tool:$PATH
mkdir "$HOME" empty
cd empty
time peftml --help > /dev/null
peftml models where
peftml info all-MiniLM-L6-v2
for i in $(seq 20); do echo "invoice number $i is wrong,billing"; echo "the program crashes after $i minutes,crash"; done | sed '1i text,label' > tickets.csv
peftml train tickets.csv --max-epochs 1
echo "it crashed again" | peftml predict tickets.zip
peftml generate --prompt "The sky is" --max-new-tokens 5
case "$(peftml models where)" in *"$repository"*) echo "the installed tool looks for models in the repository" >&2; exit 1;; esac
dotnet tool uninstall peftml --tool-path "$work/tool"
