import type { Sampler } from '../engines/contract.ts'
import type { ChatMessage, Tokenizer } from '../models/tokenizer.ts'
import { parseSummary } from '../thinking/summary.ts'
import { boxed } from '../verify/boxes.ts'
import { Account, type Generator } from './generator.ts'
import type { SamplingSettings } from './local.ts'

const HEADS = {
  en: { asked: 'Question:', solved: 'Solution:', answered: 'Answer:' },
  zh: { asked: '问题:', solved: '解答:', answered: '答案:' },
}
/** Where a model that goes on writing begins the next document. */
const NEXT = [`\n${HEADS.en.asked}`, `\n${HEADS.zh.asked}`]

/**
 * A base model, which follows no instructions but goes on with documents: each question and answer becomes one, with
 * the end-of-text token after it, and the last question is one to be finished. System messages are not rendered: there
 * is nothing in a document that they could be. The reply is read back as thinking and `\boxed{answer}`; it has no text
 * where the document did not come to an answer. `identity` names the weights.
 *
 * @example
 * Question: Tom has 5 apples. He gets 2. Count the apples.
 * Solution:
 * First 5+2=7
 * So the result is 7.
 * Answer: 7
 */
export function documentGenerator(
  sampler: Sampler,
  codec: Pick<Tokenizer, 'encode' | 'decode' | 'eosId'>,
  { identity, maxTokens, ...sampling }: SamplingSettings & { readonly identity: string },
): Generator {
  const account = new Account(null)
  return {
    identity: JSON.stringify([identity, 'documents', maxTokens, sampling]),
    spent: () => account.spent(),
    async generate(messages, { seed }) {
      const prompt = promptTokens(codec, messages)
      const [sequence] = await sampler.sample(prompt, {
        ...sampling,
        n: 1,
        maxTokens,
        seed,
        stopTokens: [codec.eosId],
        stop: NEXT,
      })
      const { tokens, stopReason } = sequence!
      const usage = { promptTokens: prompt.length, completionTokens: tokens.length }
      account.add(usage)
      const written = codec.decode(tokens.at(-1) === codec.eosId ? tokens.subarray(0, -1) : tokens)
      return { ...readDocument(written), finishReason: stopReason, usage }
    },
    close: async () => {},
  }
}

function promptTokens(
  codec: Pick<Tokenizer, 'encode' | 'eosId'>,
  messages: readonly ChatMessage[],
): Int32Array {
  const documents = messages.flatMap(({ role, content }, i) =>
    role === 'user' ? [documentOf(content, messages[i + 1])] : [],
  )
  return Int32Array.from(
    documents.flatMap((text, i) => [
      ...codec.encode(text),
      ...(i < documents.length - 1 ? [codec.eosId] : []),
    ]),
  )
}

function documentOf(question: string, reply: ChatMessage | undefined): string {
  const { asked, solved, answered } = HEADS[/\p{Script=Han}/u.test(question) ? 'zh' : 'en']
  const begun = `${asked} ${question}\n${solved}\n`
  if (reply?.role !== 'assistant') return begun
  const { thinking, summary } = parseSummary(reply.content)
  const answer = boxed(summary ?? '') ?? summary ?? ''
  return `${begun}${thinking ?? ''}\n${answered} ${answer}`
}

/** What the sampled rest of a document holds. */
function readDocument(written: string): { reasoning: string; text: string } {
  const ends = NEXT.map((head) => written.indexOf(head)).filter((at) => at >= 0)
  const own = written.slice(0, ends.length > 0 ? Math.min(...ends) : undefined).trim()
  const at = Math.max(...Object.values(HEADS).map(({ answered }) => own.lastIndexOf(`\n${answered}`)))
  const answer = at < 0 ? '' : own.slice(own.indexOf(':', at) + 1).trim()
  if (answer === '') return { reasoning: own, text: '' }
  return { reasoning: own.slice(0, at).trim(), text: `\\boxed{${boxed(answer) ?? answer}}` }
}
