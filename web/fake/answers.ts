import type { Sample } from '../src/api/types.ts'
import { downsample, type FakeRun } from './runs.ts'

/** What the fake server answers to a GET below `/studio/api/`; null where there is nothing. */
export function answerTo(runs: ReadonlyMap<string, FakeRun>, path: string, query: URLSearchParams): unknown {
  const [kind, id, part, key] = path.split('/').map(decodeURIComponent)
  if (kind === 'forms') return { forms: FORMS }
  if (kind !== 'runs') return null
  if (id === undefined) return { runs: [...runs.values()].map(({ detail }) => detail) }
  const run = runs.get(id)
  if (!run) return null
  if (part === undefined) return run.detail
  if (part === 'metrics') return { series: metrics(run, query) }
  if (part === 'samples') return key === undefined ? samples(run, query) : sample(run, Number(key))
  if (part === 'questions') return question(run, key ?? '')
  if (part === 'aha') return aha(run)
  if (part === 'data') return { dataSets: run.dataSets }
  if (part === 'models')
    return {
      models: [
        { name: `${id}@base`, run: id, step: null, kind: 'base' },
        { name: id, run: id, step: null, kind: 'trained' },
      ],
    }
  return null
}

function metrics(run: FakeRun, query: URLSearchParams) {
  const from = Number(query.get('from') ?? 0)
  const to = Number(query.get('to') ?? Number.POSITIVE_INFINITY)
  const names = (query.get('names') ?? '').split(',')
  return Object.fromEntries(
    names.flatMap((name) => {
      const series = run.metrics[name]
      return series ? [[name, downsample(series, from, to, Number(query.get('points') ?? 1000))]] : []
    }),
  )
}

function samples(run: FakeRun, query: URLSearchParams) {
  const tests: Record<string, (sample: Sample, wanted: string) => boolean> = {
    step: (s, wanted) => s.step === Number(wanted),
    split: (s, wanted) =>
      wanted.endsWith('*') ? s.split.startsWith(wanted.slice(0, -1)) : s.split === wanted,
    correct: (s, wanted) => s.correct === ({ right: true, wrong: false }[wanted] ?? null),
    stop: (s, wanted) => s.stopReason === wanted,
    text: (s, wanted) => s.text.toLowerCase().includes(wanted.toLowerCase()),
    question: (s, wanted) => s.question.includes(wanted),
    kind: (s, wanted) => s.kind === wanted,
    minReward: (s, wanted) => (s.total ?? Number.NaN) >= Number(wanted),
    maxReward: (s, wanted) => (s.total ?? Number.NaN) <= Number(wanted),
    minLength: (s, wanted) => s.length >= Number(wanted),
    maxLength: (s, wanted) => s.length <= Number(wanted),
  }
  const found = run.samples.filter((sample) =>
    [...query].every(([name, wanted]) => tests[name]?.(sample, wanted) ?? true),
  )
  const by = {
    reward: (s: Sample) => s.total ?? 0,
    length: (s: Sample) => s.length,
    advantage: (s: Sample) => s.advantage ?? 0,
  }[query.get('sort') ?? '']
  const value = by ?? ((s: Sample) => s.step)
  const sign = query.get('order') === 'asc' ? 1 : -1
  found.sort((a, b) => sign * (value(a) - value(b)) || sign * (a.id - b.id))
  const start = Number(query.get('cursor') ?? 0)
  const end = start + Number(query.get('limit') ?? 50)
  return {
    samples: found.slice(start, end),
    next: end < found.length ? String(end) : null,
    total: found.length,
  }
}

function sample(run: FakeRun, id: number) {
  const found = run.samples.find((other) => other.id === id)
  if (!found) return null
  const group = run.samples.filter(
    ({ question, step, split }) =>
      question === found.question && step === found.step && split === found.split,
  )
  const tokens = (found.text.match(/\s*\S{1,4}/g) ?? []).map((text, i) => ({
    text,
    logprob: -((i * 7) % 11) / 4,
    entropy: ((i * 5) % 7) / 7,
    advantage: found.advantage,
  }))
  return { ...found, group, tokens }
}

function question(run: FakeRun, key: string) {
  const found = run.samples.filter((other) => other.question === key)
  return { question: key, gold: found[0]?.gold ?? '', samples: found.slice(0, 400) }
}

function aha(run: FakeRun) {
  const series = (name: string) => run.metrics[name] ?? { step: [], value: [] }
  const first = run.samples.find(
    ({ thinking, correct, split }) => split === 'train' && correct && /wait/i.test(thinking ?? ''),
  )
  const before = run.samples.find(({ split, correct }) => split === 'eval-before' && correct === false)
  const after = run.samples.findLast(
    ({ split, correct, question: key }) => split === 'eval-after' && correct && key === before?.question,
  )
  return {
    firstReflection: first ? { step: first.step, sampleId: first.id } : null,
    rise: first ? { step: 31, sampleId: first.id } : null,
    reflection: series('reflection/per_response'),
    length: series('length/mean'),
    accuracy: series('accuracy'),
    changed: before && after ? { question: before.question, before, after } : null,
  }
}

const FORMS = {
  zero: {
    type: 'object',
    properties: {
      model: { type: 'string', description: 'The base model.', default: 'miniature-base' },
      task: { type: 'string', description: 'What it is asked.', default: 'miniature' },
      steps: { type: 'integer', minimum: 1, description: 'Steps of training.', default: 200 },
      seed: { type: 'integer', minimum: 0, description: 'Runs with the same seed are the same.', default: 0 },
      rl: {
        type: 'object',
        description: 'Reinforcement learning.',
        properties: {
          groupSize: { type: 'integer', minimum: 2, description: 'Responses to each question.', default: 8 },
          alarm: {
            type: 'string',
            enum: ['warn', 'stop'],
            description: 'What the alarm does.',
            default: 'warn',
          },
          curriculum: {
            anyOf: [{ type: 'null' }, { type: 'boolean' }],
            description: 'Leaves questions out that are always answered.',
          },
        },
      },
    },
  },
  sft: {
    type: 'object',
    properties: { data: { type: 'string', description: 'A file of conversations.' } },
  },
}
