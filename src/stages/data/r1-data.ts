import { join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import { loadConfig } from '../../models/directory.ts'
import { Tokenizer } from '../../models/tokenizer.ts'
import { weightsHash } from '../../models/weights-hash.ts'
import { documentGenerator } from '../../providers/documents.ts'
import type { Generator } from '../../providers/generator.ts'
import { samplerGenerator } from '../../providers/local.ts'
import { keepData, someKept } from '../../report/keep-data.ts'
import { finetuneIn, type StagedRun } from '../../report/staged-run.ts'
import { type R1Settings, stagesOf } from '../../settings/r1.ts'
import { readDemonstrations } from '../../tasks/demonstrations.ts'
import { workedExample } from '../../tasks/miniature/index.ts'
import { demonstrate } from '../../tasks/miniature/world/index.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { splitThinking } from '../../thinking/split.ts'
import { isHarmful } from '../reinforce/all-scenarios.ts'
import { Opened } from '../sample/opened.ts'
import { rollOut, type TextCodec, templateOf } from '../sample/rollouts.ts'
import { fromSampler } from './candidates.ts'
import { coldStart, direct, fewShot, ownOutputs } from './cold-start.ts'
import { toDemonstration, writeJsonLines } from './files.ts'
import { mixture } from './mixture.ts'
import { preferencePairs, safetyLabels } from './preferences.ts'
import { rejectionSample } from './rejection.ts'
import { type DataRow, givenRow, isKept } from './rows.ts'

/*
 * What R1's steps learn from, each made of what the models before have said.
 */

type House = StagedRun<R1Settings>

/** Step 1's demonstrations, from the article's three sources. */
export async function coldStartData(
  house: House,
  { r1Zero, writer, file }: { r1Zero: string; writer: Generator; file: string },
): Promise<void> {
  const { settings, pipeline, reasoning, judge } = house
  const { maxTokens } = settings.eval
  await pipeline.make('cold-start-data', async (step) => {
    const examples = await workedExamples(settings, house.tell)
    const base = await Opened.open(settings.model, settings.threads)
    const zero = await Opened.open(r1Zero, settings.threads)
    try {
      const { samples, rows, ...own } = settings.coldStart
      const prompting = {
        codec: base.codec,
        generator: promptedModel(base, { maxTokens, temperature: 1 }),
        samples: 1,
      }
      const found = await coldStart({
        ...own,
        rows,
        task: reasoning,
        codec: base.codec,
        sources: [
          fewShot({ ...prompting, share: own.fewShot, examples }),
          direct({ ...prompting, share: own.direct }),
          ownOutputs({ ...zero, share: own.zero, samples, maxTokens, temperature: 1 }),
        ],
        limits: settings.readable,
        judge,
        rewriter: writer,
        attempts: 3,
        seed: settings.seed,
      })
      keepData(house, step, {
        name: 'cold-start',
        title: 'Cold-start data',
        rows: found.rows,
        kept: found.rows.filter(isKept),
        file,
        made: {
          base: settings.model,
          'R1-Zero': r1Zero,
          writer: writer.identity,
          seed: settings.seed,
          ...own,
        },
      })
      return found.sources
    } finally {
      await base.close()
      await zero.close()
    }
  })
}

/** Step 3's demonstrations: what step 2's model gets right, and general data that is reused or made. */
export async function mixedData(
  house: House,
  { policy, chat, file }: { policy: string; chat: string; file: string },
): Promise<void> {
  const { settings, store, pipeline, reasoning, general, judge } = house
  const { questions, samples, perQuestion, synthetic, ratio } = settings.mixture
  const { seed } = settings
  const { maxTokens } = settings.eval
  const sieve = { limits: settings.readable, judge, perQuestion }

  // the data that is there makes a chat model of the base, which answers more prompts
  const reusedFile = join(store.directory, 'data', 'reused.jsonl')
  const codec = Tokenizer.load(chat)
  const reused = await reusedData(codec, general, settings, house.tell)
  if (synthetic > 0) writeJsonLines(reusedFile, reused.map(toDemonstration))
  const chatModel =
    synthetic > 0
      ? await finetuneIn(house, 'chat', { ...stagesOf(settings).mixture, model: chat, data: reusedFile })
      : null

  await pipeline.make('mixture-data', async (step) => {
    const sampled = async (model: string, task: Task, count: number, each: number, source: string) => {
      const open = await Opened.open(model, settings.threads)
      try {
        const asked = task.training({ seed: seed + 1, step: 1, count })
        return await rejectionSample({
          ...sieve,
          sample: fromSampler({ ...open, template: 'chat', samples: each, maxTokens, temperature: 1 }),
          task,
          questions: asked,
          stream: [seed, 'mixture', source],
          source,
        })
      } finally {
        await open.close()
      }
    }
    const reasoned = await sampled(policy, reasoning, questions, samples, 'reasoning')
    someKept("Step 2's reasoning", reasoned.rows)
    const made = chatModel
      ? await sampled(chatModel.model, general, synthetic, 1, 'synthetic')
      : { rows: [], kept: [] }
    const mixed = mixture({ reasoning: reasoned.kept, general: [...reused, ...made.kept], ratio, seed })
    keepData(house, step, {
      name: 'mixture',
      title: 'Mixed data of step 3',
      rows: [...reasoned.rows, ...reused, ...made.rows],
      kept: mixed.rows,
      file,
      made: {
        'reasoning by': policy,
        'general by': chatModel?.model ?? 'none',
        judge: judge.identity,
        seed,
        ...settings.mixture,
        used: mixed.used,
      },
    })
    return { used: mixed.used, given: mixed.given }
  })
}

/** Step 4's preferences: pairs and labels, by a judge, of what step 3's model answers; and these answers. */
export async function preferenceData(
  house: House,
  policy: string,
  files: { pairs: string; labels: string; answers: string },
): Promise<void> {
  const { settings, pipeline, general, judge, watch } = house
  const { prompts, samples, pairsPerPrompt, times, minMargin } = settings.preferences
  const { seed } = settings
  await pipeline.make('preference-data', async () => {
    const open = await Opened.open(policy, settings.threads)
    try {
      const rollouts_P_G = await rollOut(
        open.sampler,
        open.codec,
        general,
        general.training({ seed: seed + 2, step: 1, count: prompts }),
        {
          template: 'chat',
          group: samples,
          maxTokens: settings.eval.maxTokens,
          temperature: 1,
          stream: [seed, 'preferences'],
        },
      )
      const toHelp_P_G = rollouts_P_G.filter((rollouts_G) => !isHarmful(rollouts_G[0]!.question))
      const { pairs, ...pairsLeft } = await preferencePairs(toHelp_P_G, {
        judge,
        seed,
        times,
        minMargin,
        perQuestion: pairsPerPrompt,
      })
      const { labels, ...labelsLeft } = await safetyLabels(rollouts_P_G.flat(), { judge, seed, times: 2 })
      if (pairs.length === 0 || labels.length === 0)
        throw new UserError(
          `${pairs.length} of ${pairsLeft.judged} pairs and ${labels.length} of ${labelsLeft.judged} labelled responses are left for reward models, and both need some; raise preferences.prompts or lower preferences.minMargin`,
        )
      writeJsonLines(
        files.pairs,
        pairs.map(({ question, ...pair }) => ({ prompt: question.prompt, ...pair })),
      )
      writeJsonLines(
        files.labels,
        labels.map(({ question, response, safe }) => ({ prompt: question.prompt, response, label: safe })),
      )
      const groups = new Map(toHelp_P_G.map((rollouts_G) => [rollouts_G[0]!.question.prompt, rollouts_G]))
      writeJsonLines(
        files.answers,
        [...groups].flatMap(([prompt, rollouts_G]) =>
          rollouts_G.flatMap(({ summary }) => (summary === null ? [] : [{ prompt, completion: summary }])),
        ),
      )
      watch.onData?.(
        `preferences: ${pairs.length} of ${pairsLeft.judged} pairs and ${labels.length} of ${labelsLeft.judged} labelled responses kept`,
      )
      return { pairs: { kept: pairs.length, ...pairsLeft }, labels: { kept: labels.length, ...labelsLeft } }
    } finally {
      await open.close()
    }
  })
}

/** A model to be prompted: through its chat template or, where it has none of its own, with documents to go on with. */
function promptedModel(
  { sampler, codec, folder }: Opened,
  settings: { maxTokens: number; temperature: number },
): Generator {
  const identity = weightsHash(folder)
  if (templateOf(codec) === 'r1-zero') return documentGenerator(sampler, codec, { ...settings, identity })
  const { maxPositions } = loadConfig(folder)
  return samplerGenerator(sampler, { ...settings, identity, tokenizer: codec, maxPositions })
}

/** Long chains to show in few-shot prompts: one of the miniature's own, or those of a file of conversations. */
async function workedExamples(
  { coldStart: { examples, fewShot }, task, seed }: R1Settings,
  tell: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<{ question: string; response: string }[]> {
  if (fewShot === 0) return []
  if (examples !== null) {
    const { training } = await readDemonstrations(examples, { heldOutShare: 0, ...tell })
    return training.map(({ demonstration, where }) => {
      if (!('messages' in demonstration))
        return { question: demonstration.prompt, response: demonstration.completion }
      const said = (role: string) => demonstration.messages.find((message) => message.role === role)?.content
      const [question, response] = [said('user'), said('assistant')]
      if (question === undefined || response === undefined)
        throw new UserError(`${where}: an example needs a message of the user and one of the assistant`)
      return { question, response }
    })
  }
  if (task !== 'miniature')
    throw new UserError(
      `few-shot prompts need examples of ${task}: set coldStart.examples to a file of conversations, or coldStart.fewShot=0`,
      2,
    )
  return [workedExample(new Random(seed, 'worked example'), 'arithmetic/1')]
}

/** Answers to general prompts that are there already: the miniature's own, or those of a file of conversations. */
async function reusedData(
  codec: TextCodec,
  task: Task,
  { general, generalData, mixture: { reused }, seed }: R1Settings,
  tell: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<DataRow[]> {
  const source = 'reused'
  if (generalData !== null) {
    const { training } = await readDemonstrations(generalData, { heldOutShare: 0, ...tell })
    return training.slice(0, reused).flatMap(({ demonstration, where }) => {
      if (!('messages' in demonstration)) throw new UserError(`${where}: general data must be conversations`)
      const [asked, said] = demonstration.messages.slice(-2)
      if (asked?.role !== 'user' || said?.role !== 'assistant' || demonstration.messages.length > 2) return []
      const { thinking, answer } = splitThinking(said.content)
      const question: Question = { id: where, prompt: asked.content, gold: answer ?? '', kind: 'general' }
      return answer ? [givenRow(codec, task, question, { source, thinking, summary: answer })] : []
    })
  }
  if (general !== 'miniature/general')
    throw new UserError(
      `fine-tuning data for ${general} is needed: set generalData to a file of conversations`,
      2,
    )
  const random = new Random(seed, 'reused')
  return task
    .training({ seed: random.bits(), step: 1, count: reused })
    .map((question) => givenRow(codec, task, question, { source, ...demonstrate(random, question) }))
}
