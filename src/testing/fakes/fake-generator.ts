import type { Generator } from '../../providers/generator.ts'
import { Account } from '../../providers/spending.ts'
import type { ChatMessage } from '../../renderer/messages.ts'

/** For tests: a generator whose text is a function of the messages and the seed. */
export function fakeGenerator(reply: (messages: readonly ChatMessage[], seed: number) => string): Generator {
  const account = new Account(null)
  return {
    identity: 'fake',
    spent: () => account.spent(),
    async generate(messages, { seed }) {
      account.add(null)
      return { text: reply(messages, seed), reasoning: null, finishReason: 'stop', usage: null }
    },
    close: async () => {},
  }
}
