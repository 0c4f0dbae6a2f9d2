#!/bin/sh
# Makes every result of the embedded models that README.md, docs/ and the models' cards record, one after the other, on an
# otherwise quiet machine with two cores. About two hours and a half.
#
#     sh tools/records.sh [FOLDER]      FOLDER takes the runs and a log for each command (default: runs/records)
#
# A command whose log ends in "done" is not repeated. Ends at the first command that fails.
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/records}
mkdir -p "$out"

# NAME COMMAND…
record() {
  log=$out/$1.log
  shift
  if [ "$(tail -n 1 "$log" 2>/dev/null)" = done ]; then return; fi
  echo "$*" | tee "$log"
  start=$(date +%s)
  "$@" >>"$log" 2>&1
  echo "$(($(date +%s) - start)) s" >>"$log"
  echo done >>"$log"
}
ruminate() { node bin/ruminate.js "$@"; }
learning_plot() { npx tsx tools/learning-plot.ts "$@"; }

# README.md (the picture, the table, a response), docs/zero.md (the table of five seeds)
for seed in 0 1 2 3 4; do
  record "zero-$seed" ruminate zero --seed "$seed" --set keepCheckpoints=all --out "$out/zero-$seed"
done
record learning-plot learning_plot "$out/zero-0" docs/zero/learning.svg
# docs/zero.md: the language reward, shuffled rewards and the run with which they are compared
record zero-language ruminate zero --steps 120 --set rewards.language=0.1 --out "$out/zero-language"
record zero-shuffled ruminate zero --steps 40 --set rewards.shuffle=true --out "$out/zero-shuffled"
record zero-40 ruminate zero --steps 40 --out "$out/zero-40"

# README.md, docs/thinking.md: pictures and tables
record curve ruminate eval --checkpoints "$out/zero-0" --questions 60 --strategy vote --samples 1,8 --out "$out/curve"
record votes ruminate eval --model "$out/zero-0" --questions 60 --strategy vote --samples 1,4,16,64 \
  --budget 16,32,64,128,none --out "$out/votes"
record models ruminate eval --questions 60 --strategy vote --samples 1,4,16,64 --out "$out/models" \
  --model "$out/zero-0/checkpoints/step-000020,$out/zero-0/checkpoints/step-000040,$out/zero-0"
cp "$out/curve/train-compute.svg" "$out/votes/test-compute.svg" "$out/votes/difficulty.svg" docs/thinking/
cp "$out/models/models.svg" docs/thinking/

# README.md, docs/r1.md: the stage table and its pictures; step 2 with one setting changed; reward hacking
for seed in 0 1 2; do
  record "r1-$seed" ruminate r1 --seed "$seed" --out "$out/r1-$seed"
done
record r1-seeds npx tsx tools/r1-seeds.ts "$out/r1-0" "$out/r1-1" "$out/r1-2"
for seed in 0 1 2; do
  record "r1-no-language-$seed" ruminate r1 --seed "$seed" --set rl1.rewards.language=0 --out "$out/r1-no-language-$seed"
done
record r1-no-cold-start ruminate r1 --seed 1 --set coldStart.rows=0 --out "$out/r1-no-cold-start"
record r1-hacking ruminate r1 --seed 2 --set rl2.generalFrom=0 --set rl2.zero.steps=160 \
  --set rl2.zero.rl.objective.kl.beta=0.001 --set rl2.zero.alarm=stop --out "$out/r1-hacking"

# docs/own-task.md: the coins
for seed in 0 1 2; do
  settings=$out/coins-$seed.yaml
  record "coins-init-$seed" ruminate init examples/coins.csv --seed "$seed" --out "$settings" --force
  record "coins-base-$seed" ruminate eval --config "$settings" --samples 10
  record "coins-sft-$seed" ruminate sft --config "$settings" --seed "$seed" --out "$out/coins-sft-$seed"
  record "coins-after-sft-$seed" ruminate eval --config "$settings" --model "$out/coins-sft-$seed" --samples 10
  record "coins-zero-$seed" ruminate zero --config "$settings" --seed "$seed" --model "$out/coins-sft-$seed" \
    --out "$out/coins-zero-$seed"
  record "coins-after-zero-$seed" ruminate eval --config "$settings" --model "$out/coins-zero-$seed" --samples 10
done

# docs/sft.md: an example
record sft-base ruminate eval --questions 150
for seed in 0 1 2; do
  record "sft-$seed" ruminate sft --task miniature --set questions=200 --epochs 3 --seed "$seed" --out "$out/sft-$seed"
  record "sft-eval-$seed" ruminate eval --model "$out/sft-$seed" --questions 150
done

# README.md: what fits which machine (the rows of the miniature)
record fits npm run bench -- fits
