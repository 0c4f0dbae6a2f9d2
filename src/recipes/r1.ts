import { join } from 'node:path'
import { modelFolder } from '../hub/find-model.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import {
  finetuneIn,
  readTasks,
  reinforceIn,
  rewardModelIn,
  type StagedResult,
  type StagedRun,
  type StagedWatch,
  stagedRun,
} from '../report/staged-run.ts'
import { type Answered, openPreference } from '../rewards/preference.ts'
import { RunStore } from '../runs/store.ts'
import type { Tree } from '../settings/layers.ts'
import { type R1Settings, resolveR1Settings, stagesOf } from '../settings/r1.ts'
import { chatBase } from '../stages/data/chat-base.ts'
import { coldStartData, mixedData, preferenceData } from '../stages/data/r1-data.ts'
import { allScenarios, scenarioRewards } from '../stages/reinforce/all-scenarios.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'

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
  await preferenceData(house, policy, {
    pairs: data('helpful.jsonl'),
    labels: data('harmless.jsonl'),
    answers: data('step-3-answers.jsonl'),
  })
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
      answers: data('step-3-answers.jsonl'),
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

/** Step 4's reinforcement learning. */
async function reinforceInAllScenarios(
  house: House,
  models: { policy: string; helpful: string; harmless: string; answers: string },
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
      reference: await answersIn(models.answers, house),
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

/** What step 3's model says: helpful is what is better. */
async function answersIn(file: string, { tell }: House): Promise<Answered[]> {
  const { training } = await readDemonstrations(file, { heldOutShare: 0, ...tell })
  return training.flatMap(({ demonstration }) =>
    'prompt' in demonstration ? [{ prompt: demonstration.prompt, answer: demonstration.completion }] : [],
  )
}
