import type { Sampler, Truncation } from '../engines/contract.ts'
import type { ChatMessage } from '../renderer/messages.ts'
import type { Renderer } from '../renderer/renderer.ts'
import { parseSummary } from '../thinking/r1/summary.ts'
import { boxedAnswer } from '../verify/boxes.ts'
import type { Generator } from './generator.ts'
import { Account } from './spending.ts'

const HEADINGS = {
  en: { question: 'Question:', solution: 'Solution:', answer: 'Answer:' },
  zh: { question: '问题:', solution: '解答:', answer: '答案:' },
}
/** The beginning of another document, at which sampling stops. */
const NEXT = [`\n${HEADINGS.en.question}`, `\n${HEADINGS.zh.question}`]

/**
 * Generates text with a base model, which does not follow instructions but continues documents. Each question with its
 * answer becomes a document that ends with the end-of-text token, and the last question becomes an unfinished document
 * for the model to continue. System messages are dropped, since a document has no place for them. The reply is read back
 * as thinking and `\boxed{answer}`; its text is empty if the document does not reach an answer. `identity` names the
 * weights.
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
  renderer: Renderer,
  {
    identity,
    maxTokens,
    ...sampling
  }: Truncation & {
    readonly identity: string
    /** Longest reply in tokens. */
    readonly maxTokens: number
    readonly temperature: number
  },
): Generator {
  const account = new Account(null)
  return {
    identity: JSON.stringify([identity, 'documents', maxTokens, sampling]),
    spent: () => account.spent(),
    async generate(messages, { seed }) {
      const prompt = promptTokens(renderer, messages)
      const [sequence] = await sampler.sample(prompt, {
        ...sampling,
        n: 1,
        maxTokens,
        seed,
        stopTokens: renderer.stopTokens,
        stop: NEXT,
      })
      const { tokens, stopReason } = sequence!
      const usage = { promptTokens: prompt.length, completionTokens: tokens.length }
      account.add(usage)
      return { ...readDocument(renderer.response(tokens)), finishReason: stopReason, usage }
    },
    close: async () => {},
  }
}

function promptTokens(renderer: Renderer, messages: readonly ChatMessage[]): Int32Array {
  const documents = messages.flatMap(({ role, content }, i) =>
    role === 'user' ? [documentOf(content, messages[i + 1])] : [],
  )
  return Int32Array.from(
    documents.flatMap((text, i) => [
      ...renderer.encodeText(text),
      ...(i < documents.length - 1 ? [renderer.endOfText] : []),
    ]),
  )
}

function documentOf(question: string, reply: ChatMessage | undefined): string {
  const headings = HEADINGS[/\p{Script=Han}/u.test(question) ? 'zh' : 'en']
  const opening = `${headings.question} ${question}\n${headings.solution}\n`
  if (reply?.role !== 'assistant') return opening
  const { thinking, summary } = parseSummary(reply.content)
  const answer = boxedAnswer(summary ?? '') ?? summary ?? ''
  return `${opening}${thinking ?? ''}\n${headings.answer} ${answer}`
}

/** Reads the thinking and the answer from the sampled rest of a document. */
function readDocument(written: string): { reasoning: string; text: string } {
  const ends = NEXT.map((heading) => written.indexOf(heading)).filter((at) => at >= 0)
  const document = written.slice(0, ends.length > 0 ? Math.min(...ends) : undefined).trim()
  const at = Math.max(
    ...Object.values(HEADINGS).map((headings) => document.lastIndexOf(`\n${headings.answer}`)),
  )
  const answer = at < 0 ? '' : document.slice(document.indexOf(':', at) + 1).trim()
  if (answer === '') return { reasoning: document, text: '' }
  return { reasoning: document.slice(0, at).trim(), text: `\\boxed{${boxedAnswer(answer) ?? answer}}` }
}
