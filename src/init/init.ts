import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../common/errors.ts'
import { writeText } from '../common/files/files.ts'
import { shellWord } from '../common/shell.ts'
import { type EngineName, withEngine } from '../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { countParameters } from '../models/parameters.ts'
import { type PromptTemplate, Renderer } from '../renderer/renderer.ts'
import { loraSetting } from '../settings/fields.ts'
import type { Columns } from '../tasks/table/columns.ts'
import { type Estimate, estimate } from './estimate.ts'
import { type FirstSettings, firstSettings, firstTraining } from './first-settings.ts'
import { type AnswersReport, surveyModel } from './model.ts'
import { settingsFile } from './settings-file.ts'
import { surveyTable, type TableReport } from './table.ts'
import { type Trial, type Verdict, verdictOf } from './verdict.ts'

interface InitOptions extends InitWatch {
  /** A table: a file (JSONL, CSV, Parquet), a folder, a dataset of the hub, or a benchmark. */
  readonly file: string
  readonly columns?: Columns | undefined
  readonly model?: string | undefined
  readonly template?: PromptTemplate | undefined
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  readonly seed?: number | undefined
  /** How many questions the model is asked; by default 20. */
  readonly questions?: number | undefined
  /** The settings file to write; by default ruminate.yaml. */
  readonly out?: string | undefined
  /** Replace the settings file if it exists. */
  readonly force?: boolean | undefined
}

/** Callbacks that report what is found out, as soon as it is. */
export interface InitWatch {
  readonly onTable?: ((table: TableReport) => void) | undefined
  /** Called with the folder of the model. */
  readonly onModel?: ((folder: string) => void) | undefined
  readonly onAnswers?: ((answers: AnswersReport) => void) | undefined
  readonly onProgress?: ((line: string) => void) | undefined
}

export interface InitReport {
  readonly table: TableReport
  readonly model: { readonly name: string; readonly parameters: number }
  readonly answers: AnswersReport
  readonly trial: Trial | null
  readonly verdict: Verdict
  readonly settings: FirstSettings
  /** Null if the model could not be asked or trained. */
  readonly estimate: Estimate | null
  /** The settings file that was written. */
  readonly out: string
  /** The next command, without `npx ruminate`, and what it does. */
  readonly next: { readonly command: string; readonly purpose: string }
}

/** Questions that the model is asked, and the settings file, unless told otherwise. */
const QUESTIONS = 20
const OUT = 'ruminate.yaml'

/** A model for those who need another than the embedded one. */
const LARGER_MODEL = 'Qwen/Qwen2.5-0.5B-Instruct'

/**
 * Prepares a first run on a table of questions: reads the table, asks the model some of its training questions, decides
 * what will work, and writes a settings file for `sft`, `zero` and `eval`. Held-out questions are not asked, so that no
 * decision depends on them.
 *
 * @throws UserError for a table or a model that cannot be used, or if the settings file exists already.
 */
export async function init({
  file,
  columns = {},
  model = EMBEDDED_BASE,
  template,
  engine,
  threads,
  seed = 0,
  questions: count = QUESTIONS,
  out = OUT,
  force = false,
  onTable,
  onModel,
  onAnswers = () => {},
  onProgress: progress = () => {},
}: InitOptions): Promise<InitReport> {
  // the table, with the share that every command holds out
  const { table: task, report: table, solved } = await surveyTable(file, { columns, progress })
  requireFree(out, force)
  onTable?.(table)

  // what the model answers, and whether fine-tuning would help
  const folder = await modelFolder(model, progress)
  onModel?.(folder)
  const renderer = Renderer.load(folder, { template })
  const parameters = countParameters(loadConfig(folder))
  const { positions, adapters, ...survey } = await withEngine(
    { model: folder, engine, threads },
    async (opened) => {
      const adapters = opened.can.trainable.includes('lora')
      const { lora, learningRates } = firstTraining({ parameters, adapters })
      const surveyed = await surveyModel(opened, renderer, {
        task,
        questions: task.training({ seed, step: 0, count: Math.min(count, table.training) }),
        solved,
        parameters,
        lora: loraSetting.parse(lora),
        learningRate: learningRates.sft,
        seed,
        onAnswers,
        progress,
      })
      return { positions: opened.can.maxTokens, adapters, ...surveyed }
    },
  )
  const { answers, trial, tokens } = survey
  const verdict = verdictOf({
    training: table.training,
    answers: table.answers,
    solutions: table.solutions > 0,
    unused: table.unused,
    prose: table.prose,
    unfit: answers.unfit,
    score: answers.score,
    bitsPerCharacter: answers.bitsPerCharacter,
    trial,
  })

  // the settings file
  const settings = firstSettings({
    training: table.training,
    heldOut: table.heldOut,
    parameters,
    adapters,
    positions,
    longest: survey.longest.solution,
    prompt: survey.longest.prompt,
    response: Math.max(survey.longest.response, answers.score?.tokens.p95 ?? 0),
    maxTokens: answers.maxTokens,
    cut: answers.score?.cut ?? 0,
  })
  const asked = { file, columns, model, template, seed, questions: count, out }
  const text = settingsFile({
    command: `ruminate ${initCommand(asked)}`,
    verdict: verdict.title,
    model,
    task: file,
    columns: table.columns,
    template: renderer.template,
    seed,
    share: table.share,
    conversations: table.conversations,
    checked: verdict.kind !== 'unreadable-answers',
    parameters,
    numbers: settings,
  })
  writeText(out, text)
  return {
    table,
    model: { name: model, parameters },
    answers,
    trial,
    verdict,
    settings,
    estimate:
      survey.speeds &&
      tokens.answers &&
      estimate(settings, {
        training: table.training,
        heldOut: table.heldOut,
        // what is sampled after fine-tuning is as long as the solutions
        tokens: verdict.kind === 'fine-tune' ? (tokens.solutions ?? tokens.answers) : tokens.answers,
        solutions: tokens.solutions,
        parameters,
        speeds: survey.speeds,
      }),
    out,
    next: nextOf(verdict, {
      asked,
      // the one column that may hold what the table seems to lack
      unread: table.solutions === 0 && table.answers && table.unused.length === 1 ? table.unused[0]! : null,
      canFinetune: solved.length > 0 || table.conversations,
    }),
  }
}

/** What decides the content of the settings file. */
type Asked = Pick<InitOptions, 'columns' | 'template'> & {
  readonly [name in 'file' | 'model' | 'out']: string
} & { readonly [name in 'seed' | 'questions']: number }

/** The command that asks for this; what has its default is left out. */
function initCommand({ file, columns = {}, model, template, seed, questions, out }: Asked): string {
  const options = [
    ...columnWords(columns),
    ...(model === EMBEDDED_BASE ? [] : [`--model ${shellWord(model)}`]),
    ...(template === undefined ? [] : [`--template ${template}`]),
    ...(seed === 0 ? [] : [`--seed ${seed}`]),
    ...(questions === QUESTIONS ? [] : [`--questions ${questions}`]),
    ...(out === OUT ? [] : [`--out ${shellWord(out)}`]),
  ]
  return ['init', shellWord(file), ...options].join(' ')
}

/** The option that names these columns. */
function columnWords(columns: Columns): string[] {
  const roles = Object.entries(columns)
    .filter(([, name]) => name !== undefined)
    .map(([role, name]) => `${role}=${Array.isArray(name) ? `[${name}]` : name}`)
  return roles.length > 0 ? [`--columns ${shellWord(roles.join(','))}`] : []
}

/** @throws UserError if the settings file cannot be written there, or exists already and is not to be replaced. */
function requireFree(out: string, force: boolean): void {
  if (!existsSync(dirname(out))) throw new UserError(`--out ${out}: there is no folder ${dirname(out)}`, 2)
  if (!existsSync(out)) return
  if (statSync(out).isDirectory()) throw new UserError(`--out ${out} is a folder: name a file in it`, 2)
  if (!force) throw new UserError(`${out} exists already: --force replaces it, --out FILE writes another`, 2)
}

/** The one command that helps most. */
function nextOf(
  { kind }: Verdict,
  {
    asked,
    unread,
    canFinetune,
  }: {
    asked: Asked
    /** A column that may hold the worked solutions. */
    unread: string | null
    canFinetune: boolean
  },
): InitReport['next'] {
  const { file, out, model, columns: given } = asked
  const command = (changes: Partial<Asked>): string => `${initCommand({ ...asked, ...changes })} --force`
  const withFile = (command: string): string => `${command} --config ${shellWord(out)}`
  const finetune = { command: withFile('sft'), purpose: 'fine-tune it on the training rows' }
  switch (kind) {
    case 'reinforce':
      return { command: withFile('zero'), purpose: 'reinforcement learning' }
    case 'fine-tune':
      return finetune
    case 'nothing-to-learn':
      return { command: withFile('eval'), purpose: 'measure it on the held-out questions' }
    case 'unreadable-answers':
      return canFinetune
        ? finetune
        : {
            command: ['tasks check', shellWord(file), ...columnWords(given ?? {})].join(' '),
            purpose: 'look at the rows',
          }
    case 'other-base':
      if (unread !== null) {
        const columns = { ...given, thinking: unread }
        return { command: command({ columns }), purpose: `if "${unread}" says how the answers are found` }
      }
      return {
        command: command({ model: model === LARGER_MODEL ? 'OWNER/NAME' : LARGER_MODEL }),
        purpose: 'try another base, which is downloaded once',
      }
  }
}
