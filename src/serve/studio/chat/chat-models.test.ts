import { expect, test, vi } from 'vitest'
import type { App } from '../../app.ts'
import type { RunsFolder } from '../runs/runs-folder.ts'
import { ChatModels } from './chat-models.ts'
import type { OpenedModel } from './opened-model.ts'
import { strategyQuery } from './strategy.ts'

const closed: string[] = []
const open = vi.fn(
  async (source: string): Promise<OpenedModel> =>
    ({
      serverFor: async () => ({}) as App,
      isBusy: async () => false,
      close: async () => void closed.push(source),
    }) as unknown as OpenedModel,
)
vi.mock('./opened-model.ts', () => ({ OpenedModel: { open: (source: string) => open(source) } }))

const models = new ChatModels({} as RunsFolder, [], () => {})
const query = strategyQuery.parse({})
const use = (name: string, ask: () => Promise<void> = async () => {}): Promise<unknown> =>
  models.use(`ollama:${name}`, query, async () => {
    await ask()
    return new Response()
  })

test('a model that is being asked stays open, and the one that was used first is closed', async () => {
  let answer = (): void => {}
  let asking: Promise<unknown> | undefined
  await new Promise<void>((isAsked) => {
    asking = use('a', () => {
      isAsked()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
  })
  await use('b')
  await use('c')
  expect(closed).toEqual(['ollama:b'])
  answer()
  await asking
  await use('d')
  expect(closed).toEqual(['ollama:b', 'ollama:a'])
})

test('a model that could not be opened is opened again', async () => {
  open.mockRejectedValueOnce(new Error('no memory'))
  await expect(use('x')).rejects.toThrow('no memory')
  await use('x')
  expect(open.mock.calls.filter(([source]) => source === 'ollama:x')).toHaveLength(2)
})
