import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunStore } from '../src/runs/store.ts'
import { studio } from '../src/serve/studio/studio.ts'

/*
 * How long the studio's server takes for what the page asks, of a run of 20,000 steps and 200,000 responses. The run is made
 * in a temporary folder, or in RUMINATE_BENCH_RUNS, where it is kept for the next time. RUMINATE_BENCH_STEPS sets its steps.
 */
const STEPS = Number(process.env.RUMINATE_BENCH_STEPS ?? 20_000)
const [QUESTIONS, GROUP, METRICS] = [2, 5, 30]

/** The slowest and the median of a few requests, in milliseconds. */
export async function studioTimes(repetitions = 5): Promise<void> {
  const { root } = openLongRuns()
  const server = await studio({
    root,
    host: '127.0.0.1',
    port: 0,
    hosts: [],
    control: { forms: () => ({}), start: async () => '', stop: async () => {}, resume: async () => {} },
    evaluations: { list: () => [], read: () => null, answers: () => null },
    question: () => (prompt) => prompt,
    onFailure: (error) => console.error(error),
  })
  const get = async (path: string): Promise<{ next?: string | null }> =>
    (await fetch(`${server.url}/studio/api/${path}`)).json() as Promise<{ next?: string | null }>
  const { next } = await get('runs/zero-1/samples?sort=reward&split=train')
  const first = await get('runs/zero-1/samples')
  for (const path of [
    'runs',
    'runs/zero-1',
    'runs/zero-1/metrics?names=metric/1',
    'runs/zero-1/metrics',
    'runs/zero-1/samples',
    `runs/zero-1/samples?cursor=${first.next}`,
    `runs/zero-1/samples?step=${STEPS / 2}`,
    'runs/zero-1/samples?split=train&correct=wrong',
    'runs/zero-1/samples?sort=reward',
    `runs/zero-1/samples?sort=reward&split=train&cursor=${next}`,
    'runs/zero-1/samples?sort=length&minReward=0.5&stop=length&kind=arithmetic',
    'runs/zero-1/samples?question=q17',
    'runs/zero-1/samples?text=nowhere',
    'runs/zero-1/samples?asked=number 17 ',
    'runs/zero-1/samples?asked=number&correct=wrong',
    `runs/zero-1/samples/${STEPS * GROUP}`,
    'runs/zero-1/questions/q17',
    'runs/zero-1/aha',
    'runs/zero-1/data',
  ]) {
    const times: number[] = []
    for (let i = 0; i < repetitions; i++) {
      const since = performance.now()
      await get(path)
      times.push(performance.now() - since)
    }
    times.sort((a, b) => a - b)
    const [median, slowest] = [times[repetitions >> 1]!, times.at(-1)!]
    console.log(`${median.toFixed(1).padStart(8)} ms  ${slowest.toFixed(1).padStart(8)} ms  ${path}`)
  }
  await server.stop()
}

/** A folder with the long run, which is made if it is not there. */
export function openLongRuns(): { readonly root: string; readonly id: string } {
  const root = process.env.RUMINATE_BENCH_RUNS ?? mkdtempSync(join(tmpdir(), 'ruminate-bench-studio-'))
  const id = 'zero-1'
  if (!existsSync(join(root, id))) makeRun(join(root, id))
  return { root, id }
}

function makeRun(directory: string): void {
  console.log(`making a run of ${STEPS} steps in ${directory}`)
  const store = RunStore.create({
    recipe: 'zero',
    seed: 1,
    settings: { model: 'miniature-base', task: 'miniature', steps: STEPS },
    out: directory,
  })
  const thought = 'Let me see. Wait, I should check this again: 60 + 11 is 71, so 71 is the answer. '
  const tokens = Int32Array.from({ length: 300 }, (_, i) => i)
  const logprobs = new Float32Array(300).fill(-0.5)
  for (let step = 1; step <= STEPS; step++)
    store.record(step, {
      metrics: {
        'time/total': step,
        'total/tokens': 3000 * step,
        accuracy: Math.abs(Math.sin(step / 3000)),
        'length/mean': step / 10,
        'reflection/per_response': step / STEPS,
        ...Object.fromEntries(Array.from({ length: METRICS }, (_, m) => [`metric/${m}`, Math.sin(step * m)])),
      },
      rollouts: Array.from({ length: QUESTIONS * GROUP }, (_, i) => {
        const value = ((step * 7919 + i * 104_729) % 1000) / 1000
        return {
          split: 'train',
          asked: `What is number ${(step * QUESTIONS + Math.floor(i / GROUP)) % 5000} plus 11?`,
          question: `q${(step * QUESTIONS + Math.floor(i / GROUP)) % 5000}`,
          kind: `arithmetic/${i % 3}`,
          gold: '71',
          prompt: 'User: What is 60 + 11? Assistant: <think>',
          tokens,
          text: thought.repeat(12),
          thinking: thought.repeat(11),
          answer: '71',
          logprobs,
          rewards: { accuracy: value, format: 1 },
          reason: '12 is not 71',
          reasons: { accuracy: '12 is not 71', format: 'well formed' },
          correct: value > 0.5,
          total: value,
          advantage: value - 0.5,
          stopReason: value > 0.9 ? ('length' as const) : ('stop' as const),
          length: 300 + Math.round(100 * value),
        }
      }),
    })
  store.finish({})
  store.close()
}
