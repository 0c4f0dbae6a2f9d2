#!/bin/sh
# Makes the embedded base models again, one after the other, and puts them into models/. About 40 minutes on a quiet core.
#
#     sh tools/bases.sh [FOLDER]        FOLDER takes the runs and their logs (default: runs/bases)
#
# A model whose run is already in the folder is taken from there; `ruminate resume RUN` continues one that was stopped.
set -eu
cd "$(dirname "$0")/.."
runs=${1:-runs/bases}
mkdir -p "$runs"

# NAME SETTINGS…
base() {
  name=$1
  shift
  if [ ! -e "$runs/$name" ]; then
    node bin/ruminate.js pretrain --seed 0 --threads 1 --out "$runs/$name" "$@" >"$runs/$name.log" 2>&1
  fi
  for file in README.md config.json generation_config.json model.safetensors \
    tokenizer.json tokenizer.model tokenizer_config.json; do
    cp "$runs/$name/model/$file" "models/$name/$file"
  done
}

base miniature-base --tokens 15000000
base miniature-r1-base --tokens 12000000 --set general=0.25 --set boxed=0.5 --set vocabulary=704
base miniature-r1-student --tokens 6000000 --set general=0.25 --set boxed=0.5 --set vocabulary=704 \
  --set model.hiddenSize=64 --set model.numLayers=3 --set model.numHeads=4 --set model.numKvHeads=2 \
  --set model.headDim=16 --set model.intermediateSize=192
