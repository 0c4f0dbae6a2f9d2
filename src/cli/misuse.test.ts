import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-misuse-'))
const files: Record<string, string | Uint8Array> = {
  'good.jsonl': '{"question":"1+1?","answer":"2"}\n{"question":"2+2?","answer":"4"}\n',
  'names.csv': 'problem;solution;level\n1+1?;2;easy\n',
  'empty.jsonl': '',
  'header.csv': 'question,answer\n',
  'broken.jsonl': '{"question":"1+1?","answer":"2"}\n{"question":\n{"question":"2+2?","answer":"4"}\n',
  'array.jsonl': '[{"question":"1+1?","answer":"2"}]',
  'array.json': '[{"question":"1+1?","answer":"2"}]',
  'latin.csv': Buffer.from('question,answer\nCafé?,1\n', 'latin1'),
  'golds.jsonl': '{"question":"1+1?","answer":""}\n',
  'short.csv': 'question,answer\n1+1?\n2+2?,4\n',
  'test.jsonl': '{"question":"1+1?","answer":"2"}\n',
  'bad.parquet': 'PAR1 but no more',
  'list.yaml': '- steps\n',
  'bad.yaml': 'steps: [1\n',
  'unknown.yaml': 'rl: {groupsize: 4}\n',
}
for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content)
mkdirSync(join(root, 'folder'))
mkdirSync(join(root, 'only-test'))
writeFileSync(join(root, 'only-test', 'test.jsonl'), files['test.jsonl']!)
RunStore.create({ recipe: 'alchemy', seed: 0, settings: {}, out: join(root, 'alchemy') }).close()
const done = RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out: join(root, 'done') })
done.finish({})
done.close()
afterAll(() => rmSync(root, { recursive: true }))

const written = captured()

const cases: [line: string, exitCode: 1 | 2, message: RegExp][] = [
  ['zero --task coutndown', 2, /unknown task "coutndown"; did you mean countdown\?/],
  ['zero --task @none.jsonl', 1, /there is no file or folder .*none\.jsonl/],
  ['zero --task @empty.jsonl', 1, /there is no row in empty\.jsonl/],
  ['eval --task @header.csv', 1, /there is no row in header\.csv/],
  ['zero --task @folder', 1, /folder contains no table/],
  ['zero --task @only-test', 1, /has no training questions/],
  [
    'zero --task @names.csv',
    2,
    /no columns "question" and "answer".*--columns question=problem,answer=solution$/,
  ],
  [
    'eval --task @names.csv --columns question=problem,answer=solutoin',
    2,
    /no column "solutoin".*"solution" is meant/,
  ],
  [
    'zero --task @good.jsonl --columns qeustion=q',
    2,
    /unknown setting (columns\.)?qeustion; did you mean (columns\.)?question\?/,
  ],
  ['eval --task @good.jsonl --columns question', 2, /--columns question: write it as ROLE=NAME/],
  ['zero --task countdown --columns question=q', 2, /countdown is not a table/],
  ['tasks check', 2, /which table\?/],
  ['tasks chekc @good.jsonl', 2, /unknown action "chekc" of tasks/],
  ['tasks check @broken.jsonl', 1, /line 2: not JSON/],
  ['tasks check @array.jsonl', 1, /is a JSON array.*jq -c '\.\[\]'/],
  ['tasks check @array.json', 1, /is not a table: .*jq -c '\.\[\]'/],
  ['tasks check @latin.csv', 1, /line 2: byte 4 .*iconv -f LATIN1 -t UTF-8/],
  ['tasks check @golds.jsonl', 1, /no usable question; the first: golds\.jsonl:1: "answer" is empty/],
  ['tasks check @short.csv', 1, /line 2: 1 field where the first line names 2 columns/],
  ['tasks check @bad.parquet', 1, /cannot read .*bad\.parquet/],
  ['zero --config @list.yaml', 2, /must be a mapping of names to values/],
  ['zero --config @bad.yaml', 2, /cannot read the settings in .*bad\.yaml: /],
  ['zero --config @unknown.yaml', 2, /unknown setting rl\.groupsize; did you mean rl\.groupSize\?/],
  ['zero --set rewards.acuracy=1', 2, /did you mean rewards\.accuracy\?/],
  ['zero --set rl.groupSize=1', 2, /setting rl\.groupSize is 1/],
  ['zero --model @good.jsonl', 1, /is neither a model folder nor a GGUF file/],
  ['resume @alchemy', 1, /is a run of "alchemy", which cannot be resumed/],
  ['resume @done', 1, /is done; `ruminate runs show/],
  ['zero --set chat.arguments.nope=1', 2, /the template r1-zero has no argument "nope"/],
  ['zero --template chat --set chat.arguments.nope=1', 2, /the chat template of .* has no argument "nope"/],
  ['eval --template chat --template-arguments nope=1', 2, /the chat template of .* has no argument "nope"/],
  ['chat hello --template-arguments nope=1', 2, /has no argument "nope"/],
  [
    'sft --data @good.jsonl --columns prompt=question,completion=answer --set chat.arguments.nope=1',
    2,
    /has no argument "nope"/,
  ],
  ['r1 --set chat.arguments.nope=1', 2, /no chat template of the run's models has the argument "nope"/],
  ['verify 1', 2, /ANSWER is missing/],
  ['verify 1 2 --order hsah', 2, /"hsah" is none of /],
  [
    'r1 --quick --preset deepseek-r1',
    2,
    /--quick means --preset quick and cannot be combined with --preset deepseek-r1/,
  ],
  ['r1 --preset large', 2, /setting preset is "large"/],
  ['r1 --set coldStart.fewshot=1', 2, /did you mean coldStart\.fewShot\?/],
  ['r1 --set rl1.stepz=3', 2, /unknown setting rl1\.stepz; did you mean rl1\.steps\?/],
  ['r1 --set zero.engine=nope', 2, /setting zero\.engine is set by the run: set engine instead$/],
  [
    'distill --data @good.jsonl --set sft.seed=5',
    2,
    /setting sft\.seed is set by the run: set seed instead$/,
  ],
  ['r1 --model @none', 1, /no model folder at/],
  ['distill', 2, /there is no teacher: give --teacher .*--set teacher\.baseUrl=.*--data/],
  ['distill --teacher @none', 1, /no model folder at/],
  ['distill --teacher miniature-base', 1, /miniature-base has no chat template.*cannot teach/],
  ['distill --data @none.jsonl', 1, /none\.jsonl/],
  [
    'distill --data @good.jsonl',
    2,
    /no columns "prompt" and "completion".*--columns prompt=question,completion=answer/,
  ],
  [
    'distill --data @good.jsonl --columns prompt=problem',
    2,
    /no columns "problem" and "completion".*If "question" and "answer" are meant: --columns prompt=question,completion=answer/,
  ],
  [
    'distill --set teacher.model=m',
    2,
    /setting teacher is {"model":"m"}: expected a model's name, or a provider's/,
  ],
  [
    'distill --data @good.jsonl --set teacher.model=m --set teacher.baseUrl=http://localhost/v1',
    2,
    /m would not be used/,
  ],
  ['distill --data @good.jsonl --task coutndown', 2, /did you mean countdown\?/],
  ['distill --data @good.jsonl --set sft.epoch=1', 2, /did you mean sft\.epochs\?/],
  ['distill --data @good.jsonl --set sampling.ratio=0', 2, /setting sampling\.ratio is 0/],
  ['merge @done --out=', 2, /--out DIR is missing/],
  ['merge @done', 2, /--out DIR is missing \(`ruminate merge --help` shows the options\)/],
  [
    'zero --teacher deepseek:x',
    2,
    /deepseek:x is a provider's model.*`ruminate distill --teacher deepseek:x`/,
  ],
  ['zero --lora 4096', 2, /lora\.rank is 4096, but no layer that gets an adapter is wider than \d+/],
  [
    'dpo --data @good.jsonl --algorithm ipo --set objective.margin=1',
    2,
    /objective\.margin is 1, which has no effect on the loss ipo/,
  ],
  ['chat --model @none hi', 1, /no model folder at/],
]
test.each(cases)('%s', async (line, exitCode, message) => {
  const words = line.split(' ').map((word) => (word.startsWith('@') ? join(root, word.slice(1)) : word))
  const result = await main(words)
  expect(written.err).toMatch(/^error: [^\n]+\n$/)
  expect(written.err.trim()).toMatch(message)
  expect(written.err).not.toMatch(/unexpected;|\bat .*\.[jt]s:/)
  expect({ result, out: written.out }).toEqual({ result: exitCode, out: '' })
})
