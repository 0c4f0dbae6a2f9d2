import { createInterface, type Interface, type Key } from 'node:readline'
import { Writable } from 'node:stream'

/** Asks the terminal to mark what is pasted, so that its line breaks do not end the message; and no longer to. */
const MARK_PASTE = '\x1b[?2004h'
const MARK_NOTHING = '\x1b[?2004l'

interface PromptOptions {
  /** Where the prompt and what is typed are shown. */
  readonly stream: NodeJS.WriteStream
  readonly prompt: string
  /** Called on Ctrl-C. */
  readonly onInterrupt: () => void
}

/**
 * Reads messages from the terminal. What is pasted is one message, however many lines it has. What is typed while nobody
 * waits for a message is not shown, and begins the next one.
 */
export class Prompt {
  readonly #lines: Interface
  readonly #stream: NodeJS.WriteStream
  readonly #messages: string[] = []
  /** Lines of the message that is being typed, before the one that the cursor is in. */
  #before: string[] = []
  #isPasting = false
  #isShown = false
  #isClosed = false
  #wake: () => void = () => {}
  readonly #resize: () => void

  constructor({ stream, prompt, onInterrupt }: PromptOptions) {
    this.#stream = stream
    const output = new Writable({
      write: (chunk, _, done) => {
        if (this.#isShown) stream.write(chunk)
        done()
      },
    })
    Object.defineProperty(output, 'columns', { get: () => stream.columns })
    this.#resize = () => void output.emit('resize')
    stream.on('resize', this.#resize)
    this.#lines = createInterface({ input: process.stdin, output, terminal: true, prompt })
    this.#lines.on('line', (line) => this.#take(line))
    this.#lines.on('SIGINT', onInterrupt)
    this.#lines.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
    process.stdin.on('keypress', this.#key)
    stream.write(MARK_PASTE)
  }

  /** The next message; null at the end of the input. */
  async next(): Promise<string | null> {
    if (this.#messages.length === 0 && !this.#isClosed) {
      this.#isShown = true
      this.#lines.prompt(true)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#isShown = false
    }
    return this.#messages.shift() ?? null
  }

  close(): void {
    process.stdin.off('keypress', this.#key)
    this.#stream.off('resize', this.#resize)
    this.#lines.close()
    this.#stream.write(MARK_NOTHING)
  }

  readonly #key = (_: unknown, { name }: Key = {}): void => {
    if (name === 'paste-start') this.#isPasting = true
    if (name === 'paste-end') this.#isPasting = false
  }

  #take(line: string): void {
    if (this.#isPasting) {
      this.#before.push(line)
      return
    }
    this.#messages.push([...this.#before, line].join('\n'))
    this.#before = []
    this.#wake()
  }
}

/** All that standard input, which is no terminal, holds. */
export async function readInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}
