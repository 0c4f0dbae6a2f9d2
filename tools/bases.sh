#!/bin/sh
# Makes the embedded base models again, one after the other, and puts them into models/. About 25 minutes on a quiet core.
#
#     sh tools/bases.sh [FOLDER]        FOLDER takes the runs and their logs (default: runs/bases)
#
# A run that is already in the folder is resumed if it was stopped, and its model is taken if it has ended.
set -eu
cd "$(dirname "$0")/.."
runs=${1:-runs/bases}
mkdir -p "$runs"

# NAME SETTINGS…
base() {
  name=$1
  run=$runs/$name
  shift
  if [ ! -e "$run" ]; then
    node bin/ruminate.js pretrain --seed 0 --threads 1 --out "$run" "$@" >"$run.log" 2>&1
  elif [ ! -e "$run/model" ]; then
    node bin/ruminate.js resume "$run" >>"$run.log" 2>&1
  fi
  for file in README.md config.json generation_config.json model.safetensors \
    tokenizer.json tokenizer.model tokenizer_config.json; do
    cp "$run/model/$file" "models/$name/$file"
  done
}

base miniature-base --tokens 15000000
base miniature-r1-base --tokens 12000000 --set general=0.25 --set boxed=0.5 --set vocabulary=704
base miniature-r1-student --tokens 6000000 --set general=0.25 --set boxed=0.5 --set vocabulary=704 \
  --set model.hiddenSize=64 --set model.numLayers=3 --set model.numHeads=4 --set model.numKvHeads=2 \
  --set model.headDim=16 --set model.intermediateSize=192
