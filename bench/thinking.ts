import { type ParserOptions, ThinkingParser } from '../src/thinking/parser/parser.ts'

const LENGTH = 8e6
/** Characters of a chunk: about a token, a packet, and everything at once. */
const CHUNKS = [4, 4096, LENGTH]
const PROSE =
  'Let me see: is "3 < 4"? Yes, it is.\nThen `x` is y, and we don\'t know z, so we go on with the next step of it.\n'

/** Texts that a parser may find hard, of which the last ones are never written by a model. */
const texts: readonly (readonly [string, string, ParserOptions?])[] = [
  ['thinking', `<think>\n${fill(PROSE)}`],
  ['answer', fill(PROSE)],
  [
    'channels',
    fill(`<|channel|>analysis<|message|>${PROSE}<|end|><|start|>assistant`),
    { format: 'gpt-oss' },
  ],
  ['blocks', fill('<think>a</think>b')],
  ['<', fill('<')],
  ['</think', fill('</think')],
  ['prose delimiters', `Here is my thought process:${fill('Here is my ')}`, { format: 'granite' }],
  ['headers', fill('<|channel|>'), { format: 'gpt-oss' }],
  ['tags in code', fill('`<think>`')],
  ['nested tags', `<think>${fill('`<think>')}`],
  ['line breaks', `<think>a${fill('\n')}`],
  ['backticks', fill('`')],
  ['unknown', fill(PROSE), { opened: 'auto' }],
]

function fill(part: string): string {
  return part.repeat(Math.ceil(LENGTH / part.length)).slice(0, LENGTH)
}

/** Times the streaming parser: megabytes of ASCII text per second, by the length of the chunks. */
export function thinking(repetitions = 3): void {
  console.log('\nthinking')
  console.log(`  MB/s in chunks of ${CHUNKS.join(', ')} characters; the best of ${repetitions}`)
  for (const [name, text, options] of texts) {
    const rates = CHUNKS.map((size) => {
      const times = Array.from({ length: repetitions }, () => seconds(text, size, options))
      return (text.length / 1e6 / Math.min(...times)).toFixed(0).padStart(6)
    })
    console.log(`  ${name.padEnd(18)}${rates.join('')}`)
  }
}

function seconds(text: string, size: number, options?: ParserOptions): number {
  const parser = new ThinkingParser(options)
  const start = performance.now()
  for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size))
  parser.end()
  return (performance.now() - start) / 1000
}
