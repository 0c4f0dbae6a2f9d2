import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { packageRoot } from '../../../common/files/package.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import { runOf } from '../../../runs/find-run.ts'
import type { RunInfo } from '../../../runs/rows.ts'
import { RunStore } from '../../../runs/store.ts'
import type { Tree } from '../../../settings/layers.ts'
import type { ZeroSettings } from '../../../settings/zero.ts'
import { readDemonstrations } from '../../../tasks/examples/demonstrations.ts'
import { loadTask, TASKS } from '../../../tasks/index.ts'
import { modelName } from '../next.ts'
import { questionIn } from '../training/question.ts'

/** Where a model comes from. */
export interface Origin {
  /** What the model is, in a sentence. */
  readonly is: string
  /** A question of the task that it was made for; null if that is unknown. */
  readonly question: string | null
}

/** A question to suggest has at most so many characters, where there is one. */
const SHORT = 160
/** A file of demonstrations is read for a question up to this size, in bytes. */
const MOST_BYTES = 50e6

/** Where the model in a folder comes from: the run that made it, or this package. `name` is what it was called by. */
export async function originOf(name: string, folder: string): Promise<Origin> {
  if (dirname(folder) === join(packageRoot(), 'models'))
    return { is: `${basename(folder)}: a base model, pretrained only.`, question: await ofTask('miniature') }
  const run = runOf(folder)
  if (run === null) {
    const template = Renderer.load(folder).template === 'chat' ? 'with' : 'without'
    return { is: `${name}: a model ${template} a chat template of its own.`, question: null }
  }
  const store = RunStore.open(run)
  try {
    const info = store.info()
    const [, number] = /^step-(\d+)$/.exec(basename(folder)) ?? []
    const step = number === undefined ? '' : ` at step ${Number(number)}`
    return {
      is: `${pathFromHere(run)}${step}: ${howMade(info)}.`,
      question: await ofRun(store, info, folder),
    }
  } finally {
    store.close()
  }
}

/** How the run made its model, as the end of a sentence. */
export function howMade({ recipe, settings }: RunInfo): string {
  const { task, template, data, student, algorithm } = settings as Record<string, unknown>
  const file = (path: unknown): string => basename(String(path))
  switch (recipe) {
    case 'zero':
      return `${template === 'chat' ? 'a chat model' : 'R1-Zero'}, trained by reinforcement learning on ${task}`
    case 'sft':
      return `a model fine-tuned on ${file(data ?? task)}`
    case 'r1':
      return `a model trained in the four steps of R1 on ${task}`
    case 'distill':
      return `${basename(modelName(String(student)))}, distilled from a larger model's answers`
    case 'reward':
      return `a reward model, trained on ${file(data)}`
    case 'dpo':
      return `a model that learned preferences (${String(algorithm).toUpperCase()}) from ${file(data)}`
    case 'pretrain':
      return 'a base model, pretrained only'
    default:
      return `a model made by ${recipe}`
  }
}

async function ofRun(store: RunStore, { recipe, settings }: RunInfo, folder: string): Promise<string | null> {
  const { task, columns, data } = settings as { task?: string; columns?: Tree; data?: string }
  if (recipe === 'zero') return ofRollouts(store, settings as ZeroSettings, folder)
  if (recipe === 'pretrain') return ofTask('miniature')
  if (recipe === 'sft') return ofDemonstrations(String(data), columns)
  return task === undefined ? null : ofTask(task)
}

/** A question that the model has answered right, if there is one, from the run's rollouts. */
function ofRollouts(store: RunStore, { template, chat }: ZeroSettings, folder: string): string | null {
  const renderer = Renderer.load(folder, { template, chat })
  const rows = ['eval-after', 'train', 'eval-before'].flatMap((split) =>
    store.rollouts({ split, limit: 200 }),
  )
  const known = [...rows.filter(({ correct }) => correct), ...rows]
  const questions = known
    .slice(0, 50)
    .map(({ prompt }) => questionIn(prompt, (question) => renderer.prompt({ prompt: question }).text))
  return shortest(questions)
}

/** A held-out question of a task that needs no download. */
async function ofTask(name: string): Promise<string | null> {
  if (!TASKS.some((task) => task.name === name) && !existsSync(name)) return null
  return ifReadable(async () => {
    const task = await loadTask(name, { warn: () => {} })
    return shortest(task.heldOut({ count: 10 }).map(({ prompt }) => prompt))
  })
}

/** What a user says first in a file of demonstrations. */
async function ofDemonstrations(file: string, columns: Tree = {}): Promise<string | null> {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats?.isFile() || stats.size > MOST_BYTES) return null
  return ifReadable(async () => {
    const quiet = { warn: () => {}, progress: () => {} }
    const { training } = await readDemonstrations(file, { columns, heldOutShare: 0, ...quiet })
    const questions = training.slice(0, 50).flatMap(({ demonstration }) => {
      if ('prompt' in demonstration) return [demonstration.prompt]
      return demonstration.messages
        .filter(({ role }) => role === 'user')
        .slice(0, 1)
        .map(({ content }) => content)
    })
    return shortest(questions)
  })
}

/** A suggestion is left out where the file that it would come from cannot be read any more. */
async function ifReadable(read: () => Promise<string | null>): Promise<string | null> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return null
  }
}

/** The first question on one line that is short, or else the shortest; null if there is none. */
function shortest(questions: readonly string[]): string | null {
  const lines = questions
    .map((question) => question.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
  return lines.find(({ length }) => length <= SHORT) ?? lines.sort((a, b) => a.length - b.length)[0] ?? null
}
