import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { loadConfig } from '../models/directory.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { weightsHash } from '../models/weights-hash.ts'
import { documentGenerator } from '../providers/documents.ts'
import type { Generator } from '../providers/generator.ts'
import { samplerGenerator } from '../providers/local.ts'
import { type Judged, openPreference } from '../rewards/preference.ts'
import { RunStore } from '../runs/store.ts'
import { fromSampler } from '../stages/candidates.ts'
import { coldStart, direct, fewShot, ownOutputs } from '../stages/cold-start.ts'
import { toDemonstration, writeJsonLines } from '../stages/data-files.ts'
import { isKept } from '../stages/data-rows.ts'
import { mixture } from '../stages/mixture.ts'
import { preferencePairs, safetyLabels } from '../stages/preference-data.ts'
import { rejectionSample } from '../stages/rejection.ts'
import { rollOut, templateOf } from '../stages/rollouts.ts'
import { readPreferences } from '../tasks/preferences.ts'
import type { Task } from '../tasks/task.ts'
import { chatBase } from './chat-base.ts'
import { keepData, someKept } from './keep-data.ts'
import type { Tree } from './layers.ts'
import { modelFolder } from './model-folder.ts'
import { Opened } from './opened.ts'
import { reusedData, workedExamples } from './r1-data.ts'
import { allScenarios, isHarmful, scenarioRewards } from './r1-scenarios.ts'
import { type R1Settings, resolveR1Settings, stagesOf } from './r1-settings.ts'
import {
  finetuneIn,
  readTasks,
  reinforceIn,
  rewardModelIn,
  type StagedResult,
  type StagedRun,
  type StagedWatch,
  stagedRun,
} from './staged-run.ts'

export type R1Watch = StagedWatch<R1Settings>
export type R1Result = StagedResult

/**
 * DeepSeek-R1, end to end: R1-Zero; cold start; RL with a language-consistency reward; rejection sampling and mixed
 * fine-tuning; RL in all scenarios; and a smaller student. One run, which can be stopped anywhere and gone on with.
 *
 * @example
 * const { stages, report } = await r1({ preset: 'quick' })
 */
export async function r1(
  given: Tree = {},
  { out, ...watch }: R1Watch & { out?: string | undefined } = {},
): Promise<R1Result> {
  const named = resolveR1Settings(given)
  await readTasks(named, watch)
  const settings = {
    ...named,
    model: await modelFolder(named.model, watch.onProgress),
    student: { ...named.student, model: await modelFolder(named.student.model, watch.onProgress) },
  }
  const store = RunStore.create({ recipe: 'r1', seed: settings.seed, settings, ...(out ? { out } : {}) })
  return stagedRun(store, settings, watch, fourSteps)
}

/** Goes on with a run where it was stopped, to the same result as if it had never been. */
export async function resumeR1(directory: string, watch: R1Watch = {}): Promise<R1Result> {
  const store = RunStore.open(directory, { write: true })
  try {
    const settings = resolveR1Settings(store.info().settings as Tree)
    return await stagedRun(store, settings, watch, fourSteps)
  } finally {
    store.close()
  }
}

type House = StagedRun<R1Settings>

/** The article, from top to bottom. */
async function fourSteps(house: House): Promise<string> {
  const { settings, store, table } = house
  const stages = stagesOf(settings)
  const writer = await house.open('writer', settings.writer)
  const data = (name: string): string => join(store.directory, 'data', name)
  const base = settings.model
  const chat = await chatBase(base, join(store.directory, 'base'))
  await table.measure('Base', base, 'r1-zero')

  // R1-Zero: reinforcement learning from the base, with rewards that rules can check
  const r1Zero = await reinforceIn(house, 'zero', { ...stages.zero, model: base })
  await table.measure('R1-Zero', r1Zero.model, 'r1-zero')

  // Step 1: a cold start, supervised, on long chains that people can read
  let policy = chat
  if (settings.coldStart.rows > 0) {
    await coldStartData(house, { r1Zero: r1Zero.model, writer, file: data('cold-start.jsonl') })
    policy = (
      await finetuneIn(house, 'cold-start', {
        ...stages.coldStart,
        model: chat,
        data: data('cold-start.jsonl'),
      })
    ).model
    await table.measure('Step 1, cold start', policy)
  }

  // Step 2: R1-Zero's reinforcement learning, with a reward for one language
  policy = (await reinforceIn(house, 'rl-1', { ...stages.rl1, model: policy })).model
  await table.measure('Step 2, RL', policy)

  // Step 3: the base again, fine-tuned on what step 2's model gets right and on general data
  await mixedData(house, { policy, chat, file: data('mixture.jsonl') })
  policy = (
    await finetuneIn(house, 'mixture', { ...stages.mixture, model: chat, data: data('mixture.jsonl') })
  ).model
  await table.measure('Step 3, mixed SFT', policy)

  // Step 4: reinforcement learning in all scenarios, by rules and by reward models
  await preferenceData(house, policy, { pairs: data('helpful.jsonl'), labels: data('harmless.jsonl') })
  const helpful = await rewardModelIn(house, 'helpful', {
    ...stages.helpful,
    model: policy,
    data: data('helpful.jsonl'),
  })
  const harmless = await rewardModelIn(house, 'harmless', {
    ...stages.harmless,
    model: policy,
    data: data('harmless.jsonl'),
  })
  policy = (
    await reinforceInAllScenarios(house, {
      policy,
      helpful: helpful.model,
      harmless: harmless.model,
      pairs: data('helpful.jsonl'),
    })
  ).model
  await table.measure('Step 4, RL for all', policy)

  // Distillation: step 3's data teach a smaller model, which RL alone does not bring as far
  const student = await chatBase(settings.student.model, join(store.directory, 'student'))
  const distilled = await finetuneIn(house, 'distill', {
    ...stages.distill,
    model: student,
    data: data('mixture.jsonl'),
  })
  await table.measure('Distilled student', distilled.model, 'chat', { student: true })
  const alone = await reinforceIn(house, 'student-zero', {
    ...stages.studentZero,
    model: settings.student.model,
  })
  await table.measure('Student, RL alone', alone.model, 'r1-zero', { student: true })

  return policy
}

/** Step 1's demonstrations, from the article's three sources. */
async function coldStartData(
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
async function mixedData(
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

/** Step 4's preferences: pairs and labels, by a judge, of what step 3's model answers. */
async function preferenceData(
  house: House,
  policy: string,
  files: { pairs: string; labels: string },
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
      const harmful = (rollouts_G: (typeof rollouts_P_G)[number]) => isHarmful(rollouts_G[0]!.question)
      const { pairs, ...pairsLeft } = await preferencePairs(
        rollouts_P_G.filter((rollouts_G) => !harmful(rollouts_G)),
        { judge, seed, times, minMargin, perQuestion: pairsPerPrompt },
      )
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
      watch.onData?.(
        `preferences: ${pairs.length} of ${pairsLeft.judged} pairs and ${labels.length} of ${labelsLeft.judged} labelled responses kept`,
      )
      return { pairs: { kept: pairs.length, ...pairsLeft }, labels: { kept: labels.length, ...labelsLeft } }
    } finally {
      await open.close()
    }
  })
}

/** Step 4's reinforcement learning. */
async function reinforceInAllScenarios(
  house: House,
  models: { policy: string; helpful: string; harmless: string; pairs: string },
) {
  const { settings, reasoning, general } = house
  const { generalFrom, generalShare, helpful, harmless, neuralOnReasoning } = settings.rl2
  const { rl2 } = stagesOf(settings)
  const { steps, rewards } = rl2
  const task = allScenarios(reasoning, general, {
    from: 1 + Math.floor(steps * generalFrom),
    share: generalShare,
  })
  const threads = settings.threads
  const scorers = {
    helpful: await openPreference(models.helpful, {
      name: 'helpful',
      part: 'summary',
      threads,
      reference: await pairTexts(house, models.pairs),
    }),
    harmless: await openPreference(models.harmless, { name: 'harmless', part: 'response', threads }),
  }
  try {
    const weights = {
      accuracy: rewards.accuracy ?? 0,
      format: rewards.format ?? 0,
      language: rewards.language ?? 0,
      helpful,
      harmless,
    }
    return await reinforceIn(
      house,
      'rl-2',
      { ...rl2, model: models.policy },
      {
        task,
        rewards: scenarioRewards(task, scorers, weights, { neuralOnReasoning }),
        alsoMeasure: house.table.judging(Tokenizer.load(models.policy)),
      },
    )
  } finally {
    await scorers.helpful.close()
    await scorers.harmless.close()
  }
}

/** Both answers of all pairs: their mean reward is what an answer is worth that is neither helpful nor not. */
async function pairTexts({ tell }: House, file: string): Promise<Judged[]> {
  const { training } = await readPreferences(file, { heldOutShare: 0, ...tell })
  return training.flatMap(({ example }) => ('chosen' in example ? [example.chosen, example.rejected] : []))
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
