import { existsSync } from 'node:fs'
import { UserError } from '../common/errors.ts'
import { writeText } from '../common/files.ts'
import { shellWord } from '../common/shell.ts'
import { type EngineName, withEngine } from '../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { countParameters } from '../models/parameters.ts'
import { type PromptTemplate, Renderer } from '../renderer/renderer.ts'
import { type FirstSettings, firstSettings, learningRatesOf } from '../settings/first-settings.ts'
import { settingsFile } from '../settings/settings-file.ts'
import { type Estimate, estimate } from '../stages/survey/estimate.ts'
import { type AnswersReport, surveyModel } from '../stages/survey/model.ts'
import { surveyTable, type TableReport } from '../stages/survey/table.ts'
import { type Trial, type Verdict, verdictOf } from '../stages/survey/verdict.ts'
import type { Columns } from '../tasks/table/columns.ts'

export interface InitOptions extends InitWatch {
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

/** A model for those who need another than the embedded one. */
const LARGER_MODEL = 'Qwen/Qwen2.5-0.5B-Instruct'

/**
 * From a table of one's own questions to a first run: reads the table, asks the model some of its training questions, says
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
  questions: count = 20,
  out = 'ruminate.yaml',
  force = false,
  onTable,
  onAnswers = () => {},
  onProgress: progress = () => {},
}: InitOptions): Promise<InitReport> {
  if (existsSync(out) && !force)
    throw new UserError(`${out} exists already: --force replaces it, --out FILE writes another`, 2)

  // the table, with the share that every command holds out
  const { table: task, report: table, solved } = await surveyTable(file, { columns, progress })
  onTable?.(table)

  // what the model answers, and whether fine-tuning would help
  const folder = await modelFolder(model, progress)
  const renderer = Renderer.load(folder, { template })
  const parameters = countParameters(loadConfig(folder))
  const { positions, ...survey } = await withEngine({ model: folder, engine, threads }, async (opened) => ({
    positions: opened.can.maxTokens,
    ...(await surveyModel(opened, renderer, {
      task,
      questions: task.training({ seed, step: 0, count: Math.min(count, table.training) }),
      solved,
      parameters,
      learningRate: learningRatesOf(parameters).sft,
      seed,
      onAnswers,
      progress,
    })),
  }))
  const { answers, trial, tokens } = survey
  const verdict = verdictOf({
    training: table.training,
    answers: table.answers,
    solutions: table.solutions > 0,
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
    positions,
    longest: survey.longest.solution,
    prompt: survey.longest.prompt,
    response: Math.max(survey.longest.response, answers.score?.tokens.p95 ?? 0),
    maxTokens: answers.maxTokens,
    cut: answers.score?.cut ?? 0,
  })
  const text = settingsFile({
    command: `ruminate init ${shellWord(file)}`,
    verdict: verdict.title,
    model,
    task: file,
    columns: table.columns,
    template: renderer.template,
    seed,
    share: table.share,
    conversations: table.conversations,
    checked: verdict.kind !== 'unreadable-answers',
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
    next: nextOf(verdict, { file, out, model, canFinetune: solved.length > 0 || table.conversations }),
  }
}

/** The one command that helps most. */
function nextOf(
  { kind }: Verdict,
  { file, out, model, canFinetune }: { file: string; out: string; model: string; canFinetune: boolean },
): InitReport['next'] {
  const withFile = (command: string): string => `${command} --config ${shellWord(out)}`
  const other = model === LARGER_MODEL ? 'OWNER/NAME' : LARGER_MODEL
  const again = `init ${shellWord(file)} --model ${other} --force`
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
        : { command: `tasks check ${shellWord(file)}`, purpose: 'look at the rows' }
    case 'other-base':
      return { command: again, purpose: 'try another base, which is downloaded once' }
  }
}
