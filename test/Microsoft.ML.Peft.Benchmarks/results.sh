#!/usr/bin/env bash
# Measures everything that docs/performance.md shows, in about a quarter of an hour on two cores, and writes its tables and its chart.
# Usage: results.sh <folder with banking77/ and e2e/> <results.jsonl>
set -euo pipefail
data=$(realpath "$1"); results=$(realpath -m "$2")
here=$(cd "$(dirname "$0")" && pwd)
program=$here/bin/Release/net10.0/Microsoft.ML.Peft.Benchmarks
: > "$results"
run() { echo "$(date +%T) $*" >&2; taskset -c 0,1 "$program" "$@" --threads 2 >> "$results"; }

classes="--train $data/banking77/train.tsv --batch 32 --precision float32"
run train-speed $classes --method prefix --naive --rounds 5
run train-speed $classes --method prompt --naive --rounds 4
run train-speed $classes --method prompt --virtual-tokens 100 --naive --batches 4 --rounds 3

pairs="--task generation --train $data/e2e/train.tsv --batch 8 --precision float32"
run train-speed $pairs --method prompt --naive --batches 4 --rounds 2
run train-speed $pairs --method prompt --virtual-tokens 100 --naive --batches 2 --rounds 2
run train-speed $pairs --method prefix --naive --batches 4 --rounds 2
for method in ptuning-mlp prefix-projected; do
  run train-speed $pairs --method $method --batches 4 --rounds 2
done
for method in ptuning-mlp prefix prefix-projected; do
  run train-speed $pairs --method $method --virtual-tokens 100 --batches 4 --rounds 1
done

run score-speed --train "$data/banking77/train.tsv" --test "$data/banking77/test.tsv" --method prefix --precision float32 --naive --rounds 3
for tokens in 20 100; do
  for batch in 1 8; do
    run generate-speed --test "$data/e2e/dev.jsonl" --method prompt --virtual-tokens $tokens --batch $batch --new-tokens 12 --precision float32 --naive --rounds 2
  done
done

for tokens in 20 100; do
  for way in "" --gradient-checkpointing --naive; do
    run memory $pairs --method prompt --virtual-tokens $tokens --batches 2 $way
  done
done
run start-up --train "$data/banking77/train.tsv" --method prefix --precision float32

"$program" chart --input "$results" --output "$here/../../docs/performance.svg"
"$program" table --input "$results" --into "$here/../../docs/performance.md"
