import { loadConfig } from '../../../models/checkpoint/directory.ts'
import { weightsHash } from '../../../models/checkpoint/weights-hash.ts'
import { documentGenerator } from '../../../providers/documents.ts'
import { type Generator, generatorOf } from '../../../providers/generator.ts'
import { localTextModel } from '../../../providers/local/text-model.ts'
import { type OpenModel, withModel } from '../../sample/open-model.ts'
import type { DataContext } from '../context.ts'
import { type DataSet, isKept } from '../rows.ts'
import { coldStart, direct, fewShot, ownOutputs, ownSolutions } from './cold-start.ts'
import { workedExamples } from './worked-examples.ts'

interface ColdStartDataSettings {
  /** A file of conversations with long chains, for the few-shot prompts; null: the task's own worked example. */
  readonly examples: string | null
  /** Rows from all sources together. */
  readonly rows: number
  /** Shares of the sources. */
  readonly fewShot: number
  readonly direct: number
  readonly zero: number
  readonly solutions: number
  /** Questions per round, and maximum rounds per source. */
  readonly batch: number
  readonly rounds: number
  /** R1-Zero's responses per question. */
  readonly samples: number
  /** Maximum rows per question. */
  readonly perQuestion: number
}

/** Rewriting attempts before a row is rejected. */
const ATTEMPTS = 3

/**
 * Step 1's demonstrations (DeepSeek-R1, Nature 645): long chains from few-shot prompts, from direct prompts, and from
 * R1-Zero's own outputs; and, for a base too weak to write chains, the solutions that the task's questions come with.
 *
 * @throws UserError if there are no examples for the few-shot prompts or no solutions, or a generator cannot be reached.
 */
export async function coldStartData(
  context: DataContext,
  {
    base,
    r1Zero,
    writer,
    settings,
  }: {
    /** Folder of the base model, which is prompted. */
    readonly base: string
    /** Folder of R1-Zero. */
    readonly r1Zero: string
    /** Rewrites chains and adds summaries. */
    readonly writer: Generator
    readonly settings: ColdStartDataSettings
  },
): Promise<DataSet> {
  const { seed, maxTokens } = context
  const { samples, rows, ...rest } = settings
  const sampling = { maxTokens, temperature: 1 }
  const examples = rest.fewShot > 0 ? await workedExamples(context, rest.examples) : []
  const found = await withModel(base, context, (prompted) =>
    withModel(r1Zero, { ...context, template: 'r1-zero' }, async ({ sampler, renderer }) => {
      const prompting = {
        renderer: prompted.renderer,
        generator: await promptedModel(prompted, sampling),
        samples: 1,
        onReply: (done: number, all: number) => context.progress(`replies of the base: ${done} of ${all}`),
      }
      return coldStart({
        task: context.reasoning,
        renderer: prompted.renderer,
        sources: [
          fewShot({ ...prompting, share: rest.fewShot, examples }),
          direct({ ...prompting, share: rest.direct }),
          ownOutputs({
            sampler,
            renderer,
            share: rest.zero,
            samples,
            ...sampling,
            progress: context.progress,
          }),
          ...(rest.solutions > 0
            ? [
                ownSolutions({
                  share: rest.solutions,
                  task: context.reasoning,
                  renderer: prompted.renderer,
                  seed,
                }),
              ]
            : []),
        ],
        rows,
        batch: rest.batch,
        rounds: rest.rounds,
        perQuestion: rest.perQuestion,
        limits: context.limits,
        judge: context.judge,
        rewriter: writer,
        attempts: ATTEMPTS,
        seed,
      })
    }),
  )
  return {
    rows: found.rows,
    kept: found.rows.filter(isKept),
    made: { base, 'R1-Zero': r1Zero, writer: writer.identity, seed, ...rest },
    summary: found.sources,
  }
}

/** A model as a generator: through its own chat template or, if it has none, by documents that it continues. */
async function promptedModel(
  { sampler, renderer, folder }: OpenModel,
  settings: { maxTokens: number; temperature: number },
): Promise<Generator> {
  const identity = await weightsHash(folder)
  if (renderer.template === 'r1-zero') return documentGenerator(sampler, renderer, { ...settings, identity })
  const { maxPositions } = loadConfig(folder)
  return generatorOf(localTextModel(sampler, { name: folder, renderer, maxPositions, identity }), settings)
}
