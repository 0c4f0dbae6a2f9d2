import pc from 'picocolors'
import { pathFromHere } from '../../../common/files/paths.ts'
import { clock } from '../../../common/words.ts'
import type { LoraSettings } from '../../../models/lora.ts'
import type { TrainingWatch } from '../../../recipes/r1.ts'
import { combineReports } from '../../../report/combine-stages.ts'
import { textTable } from '../../../report/stage-tables.ts'
import type { StagedResult, StagedWatch } from '../../../report/staged-run.ts'
import { sayLanguagePart } from '../language-part.ts'
import { modelWord, runWord, showModel, showNext } from '../next.ts'
import { type Output, percent } from '../output.ts'
import { warnOfThreads } from '../threads.ts'
import { watchReward } from './reward.ts'
import { watchSft } from './sft.ts'
import { watchZero } from './zero.ts'

/** What people and programs see of a run of several stages. */
export function watchStages<S extends { readonly threads: number; readonly lora: LoraSettings | null }>(
  output: Output,
  signal: AbortSignal,
  {
    headline,
    models,
    usualRates,
    parts,
  }: {
    /** What is shown when the run begins. */
    readonly headline: (settings: S) => string
    /** The models that the run begins with. */
    readonly models: (settings: S) => readonly unknown[]
    /** The learning rates that are the preset's: the paths of these settings. */
    readonly usualRates: (settings: S) => readonly string[]
    /** By the name of a part: what is shown before it begins. */
    readonly parts: Readonly<Record<string, string>>
  },
): StagedWatch<S> & TrainingWatch {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      warnOfThreads(output, settings.threads)
      output.say(`${headline(settings)}\nrun   ${pathFromHere(run)}`)
      for (const model of models(settings)) if (typeof model === 'string') sayLanguagePart(output, model)
      const rates = settings.lora ? usualRates(settings) : []
      if (rates.length > 0)
        output.warn(
          `LoRA of rank ${settings.lora!.rank} in every stage, but ${rates.join(', ')} ${rates.length === 1 ? 'is' : 'are'} the preset's, for training all weights; adapters usually need about ten times as much`,
        )
    },
    onPart: (name) => {
      output.emit({ type: 'part', name })
      if (parts[name]) output.say(`\n${pc.bold(parts[name])}`)
    },
    onData: (line) => output.say(line),
    onStage: ({ stage, measure }) => {
      output.emit({ type: 'stage', stage, measure })
      const facts = [
        `pass@1 ${percent(measure.passAt1 ?? Number.NaN)}`,
        `readable ${percent(measure.readable ?? Number.NaN)}`,
        `in one language ${percent(measure.language ?? Number.NaN)}`,
        `harm refused ${percent(measure.harmfulRefused ?? Number.NaN)}`,
      ]
      output.say(`${pc.bold(stage)}\n  ${facts.join(' · ')}`)
    },
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
    zero: (steps) => watchZero(output, steps, signal, 'reinforcement learning'),
    sft: () => watchSft(output, signal),
    reward: () => watchReward(output, signal),
  }
}

/** The stage table, and what to do next. */
export function summarizeStages(output: Output, title: string, result: StagedResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { run, model, seed, seconds, stages, report } = result
  output.prose(`\n${pc.bold(title)} (seed ${seed}, ${clock(seconds)})\n`)
  output.result(textTable(combineReports([{ seed, stages }]), { width: output.columns }))
  showModel(output, model)
  showNext(output, [
    [`chat --model ${modelWord(model)}`, 'talk to it'],
    [`runs show ${runWord(run)} --samples 5`, 'read responses of every stage'],
  ])
  output.result(`\n${pc.bold('Report')}: the table, with plots\n  ${pathFromHere(report)}`)
}
