#!/usr/bin/env bash
# Installs the packed package in an empty folder and uses it there: the command, the README's program, and the types.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root"
npm run --silent build
tarball=$(npm pack --silent --pack-destination "$work")

mkdir "$work/app"
cd "$work/app"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent "$work/$tarball"

npx ruminate zero --steps 2 --set eval.questions=20 --quiet >/dev/null

# The program under "Train with a reward of your own", with fewer steps.
sed -n '/^## Train with a reward of your own/,/^## [^T]/p' "$root/README.md" |
  sed -n '/^```ts$/,/^```$/p' | sed '/^```/d; s/steps: 100,/steps: 2, eval: { questions: 20 },/' >program.mts
grep -q 'steps: 2,' program.mts
cp program.mts program.mjs
node program.mjs

# The types of the other entry points.
echo "import { parseThinking } from 'ruminate/thinking'; export const answer: string | null = parseThinking('a').answer" >thinking.mts
echo "import { TinkerClient } from 'ruminate/tinker'; export const client = new TinkerClient({ baseUrl: 'http://127.0.0.1:1', apiKey: 'key' })" >tinker.mts
echo "import { verify } from 'ruminate/verify'; export const equal: boolean | null = verify('1/2', '0.5').equal" >verify.mts
"$root/node_modules/.bin/tsc" --noEmit --strict --module nodenext --target es2023 --typeRoots "$root/node_modules/@types" \
  --types node program.mts thinking.mts tinker.mts verify.mts
echo 'the package installs, runs and has its types'
