import { describe, expect, test } from 'vitest'
import { accuracy } from '../../rewards/accuracy.ts'
import type { Reward } from '../../rewards/reward.ts'
import type { RunStore } from '../../runs/store.ts'
import {
  metricsOf,
  type Reinforced,
  type RunOptions,
  reinforcementRuns,
  weightsOf,
} from '../../testing/reinforcement.ts'

const { run, opened } = reinforcementRuns()

describe('with a learned reward that pays for a phrase', () => {
  /** Pays for every "wait " after the thinking. */
  const phrase = {
    name: 'pleasing',
    learned: true as const,
    score: ({ response }: { response: string }) =>
      (response.split('</think>')[1] ?? '').split('wait ').length - 1,
  }
  const hackedRun = (
    name: string,
    { reward = phrase, weight = 1, ...options }: RunOptions & { reward?: Reward; weight?: number } = {},
  ): Promise<Reinforced> =>
    run(name, {
      steps: 35,
      rl: { learningRate: 14, maxTokens: 30 },
      rewards: [
        { reward, weight },
        { reward: accuracy, weight: 0 },
      ],
      ...options,
    })
  const alarms = (store: RunStore) =>
    store.events().filter(({ message }) => message.includes('reward hacking'))

  test('the alarm warns once for each sign, with samples', async () => {
    const { store, stop } = await hackedRun('a')
    expect(stop).toBeNull()
    expect(store.info().step).toBe(35)
    const phraseAlarms = alarms(store).filter(({ message }) =>
      /one phrase has spread from \d+ % to 5\d %/.test(message),
    )
    expect(phraseAlarms).toHaveLength(1)
    expect(phraseAlarms[0]!.message).toMatch(/For example: "wait wait wait" \| ".*wait.*" \| ".*wait.*"$/)
    expect(store.metricsAt(35)['alarm/phrase']).toBeGreaterThan(0.5)
    expect(store.metricsAt(35)['alarm/signs']).toBeGreaterThan(0)
    expect(store.metricsAt(19)['alarm/signs']).toBe(0)
  })

  test.each<[string, { reward?: Reward; weight?: number }]>([
    ['a rule pays for it', { reward: { name: phrase.name, score: phrase.score } }],
    ['the learned reward only measures', { weight: 0 }],
    ['the learned reward never applies', { reward: { ...phrase, applies: () => false } }],
  ])('the alarm is off if %s', async (_, over) => {
    const { store } = await hackedRun('a', { ...over, alarm: 'stop', whenNothingToLearn: 'continue' })
    expect(alarms(store)).toEqual([])
    expect(store.info().step).toBe(35)
    expect(store.metricNames().filter((name) => name.startsWith('alarm/'))).toEqual([])
  })

  test('stops the run as if it had been the last step; a resumed run ends the same way', async () => {
    const evaluated: [number, boolean][] = []
    const evaluate = async (step: number, last: boolean) => {
      evaluated.push([step, last])
      return {}
    }
    const { store: whole, stop } = await hackedRun('whole', { alarm: 'stop', evaluate })
    expect(stop).toEqual({ step: whole.info().step, reason: alarms(whole)[0]!.message })
    expect(stop!.step).toBeGreaterThan(20)
    expect(stop!.step).toBeLessThan(35)
    expect(evaluated.filter(([, last]) => last)).toEqual([[stop!.step, true]])
    expect(evaluated.at(-1)).toEqual([stop!.step, true])
    expect(whole.checkpoints().at(-1)!.step).toBe(stop!.step)

    // killed after its last checkpoint but one, and again after its last
    await hackedRun('parts', { steps: stop!.step - 3, alarm: 'stop' })
    for (let killed = 0; killed < 2; killed++)
      expect((await hackedRun('parts', { alarm: 'stop' })).stop).toEqual(stop)
    const parts = opened('parts')
    expect(metricsOf(parts)).toEqual(metricsOf(whole))
    expect(weightsOf(parts)).toBe(weightsOf(whole))
    expect(parts.events()).toEqual(whole.events())
  })
})
