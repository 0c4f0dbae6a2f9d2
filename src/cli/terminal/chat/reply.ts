import pc from 'picocolors'
import { printable } from '../../../common/printable.ts'
import { plural } from '../../../common/words.ts'
import type { Reply } from '../../../stages/sample/conversation.ts'
import type { TextEvent, TextPiece } from '../../../thinking/model.ts'
import { ThinkingMeter, type ThinkingStatistics } from '../../../thinking/parser/meter.ts'
import { canRedraw, columnsOf, liveArea } from '../live-area.ts'
import { type Output, writeMessage } from '../output.ts'
import { shorten, wrap } from '../width.ts'
import { WordWrap } from './word-wrap.ts'

/** Lines of the thinking that are shown while it comes. */
const LINES = 5
/** Characters of the thinking that such lines are cut from. */
const TAIL = 4000

/**
 * Shows a reply as it comes. On a terminal, the end of the thinking is shown dimmed, with its tokens and time, and becomes one
 * line when the answer begins. In a pipe, standard output gets only the answer, and standard error the thinking if it is a
 * terminal. With --json or --quiet nothing is shown before the end.
 */
export class ReplyView {
  readonly #output: Output
  readonly #isLive: boolean
  /** Breaks lines between words on a terminal. */
  readonly #wrap: WordWrap | null
  readonly #meter = new ThinkingMeter()
  #thinking = ''
  /** What a strategy is doing. */
  #progress: string | null = null
  readonly #start = performance.now()
  #shown: 'nothing' | 'thinking' | 'answer' = 'nothing'
  #lastCharacter = '\n'

  constructor(output: Output) {
    this.#output = output
    this.#isLive = !output.json && !output.quiet && canRedraw(process.stdout)
    this.#wrap = process.stdout.isTTY ? new WordWrap(() => columnsOf(process.stdout)) : null
    if (this.#isLive) this.#draw()
  }

  /** Shows an event. */
  take(event: TextEvent): void {
    if (this.#output.json || this.#output.quiet) return
    if (event.type === 'progress') this.#takeProgress(event.text)
    else if (event.type === 'thinking') this.#takeThinking(event)
    else if (event.type === 'answer') this.#takeAnswer(event)
  }

  /** Shows the end of a reply: what it was, or why there is no answer. */
  end(reply: Reply): void {
    const { thinking, answer, statistics, end } = reply
    this.#meter.end()
    this.#fold()
    this.#newLine()
    this.#output.emit({
      type: 'result',
      thinking,
      answer,
      text: end?.text ?? answer ?? thinking ?? '',
      reason: end?.reason ?? 'aborted',
      usage: end?.usage ?? null,
      statistics,
    })
    if (this.#output.quiet && !this.#output.json && answer !== null) this.#output.result(printable(answer))
    const remark = remarkOn(reply)
    if (remark !== null && !this.#output.json) writeMessage(pc.dim(remark))
  }

  /** Ends what is shown where there is no reply, because it failed. */
  fail(): void {
    this.#fold()
    this.#newLine()
  }

  #takeProgress(text: string): void {
    this.#progress = text
    if (this.#isLive && this.#shown !== 'answer') this.#draw()
  }

  #takeThinking(event: TextPiece): void {
    this.#meter.push(event)
    if (this.#isLive) {
      if (this.#shown === 'answer') this.#newLine()
      this.#thinking += printable(event.text)
      this.#shown = 'thinking'
      this.#draw(true)
    } else if (process.stdout.isTTY || process.stderr.isTTY) {
      const stream = process.stdout.isTTY ? process.stdout : process.stderr
      stream.write(pc.dim(printable(event.text)))
      this.#shown = 'thinking'
      this.#lastCharacter = event.text.at(-1) ?? this.#lastCharacter
    }
  }

  #takeAnswer(event: TextPiece): void {
    this.#meter.push(event)
    if (this.#shown !== 'answer') this.#fold()
    // the white space before the first word is not shown
    const text = this.#shown === 'answer' ? printable(event.text) : printable(event.text).trimStart()
    if (text === '') return
    this.#shown = 'answer'
    this.#write(this.#wrap === null ? text : this.#wrap.push(text))
  }

  #write(text: string): void {
    if (text === '') return
    process.stdout.write(text)
    this.#lastCharacter = text.at(-1)!
  }

  /** Replaces the thinking that is shown by one line. */
  #fold(): void {
    if (this.#isLive) {
      liveArea.clear()
      if (this.#progress !== null) this.#say(`${this.#progress} · ${this.#seconds().toFixed(1)} s`)
      if (this.#shown === 'thinking') this.#say(folded(this.#meter.statistics))
      this.#progress = null
    } else if (this.#shown === 'thinking') {
      const stream = process.stdout.isTTY ? process.stdout : process.stderr
      stream.write(this.#lastCharacter === '\n' ? '\n' : '\n\n')
      this.#lastCharacter = '\n'
    }
    this.#thinking = ''
    if (this.#shown === 'thinking') this.#shown = 'nothing'
  }

  #say(line: string): void {
    process.stdout.write(`${pc.dim(wrap(line, columnsOf(process.stdout), 2))}\n`)
  }

  #seconds(): number {
    return (performance.now() - this.#start) / 1000
  }

  #newLine(): void {
    if (this.#wrap !== null) this.#write(this.#wrap.end())
    if (this.#shown === 'answer' && this.#lastCharacter !== '\n') process.stdout.write('\n')
    this.#lastCharacter = '\n'
  }

  #draw(paced = false): void {
    liveArea.show(process.stdout, (width) => this.#lines(width), paced)
  }

  #lines(width: number): string[] {
    if (this.#shown !== 'thinking') {
      const seconds = Math.floor(this.#seconds())
      const doing = this.#progress ?? 'reading the question'
      return [pc.dim(shorten(`${doing}${seconds > 1 ? ` · ${seconds} s` : ''}`, width))]
    }
    const { seconds, tokens } = this.#meter.statistics.thinking
    const count = tokens === null ? '' : ` · ${plural(tokens, 'token')}`
    const text = wrap(this.#thinking.slice(-TAIL).trim(), width - 2)
    const tail = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-LINES)
    return [
      pc.dim(shorten(`thinking · ${seconds.toFixed(1)} s${count}`, width)),
      ...tail.map((line) => pc.dim(`  ${shorten(line, width - 2)}`)),
    ]
  }
}

/** "thought for 3.2 s, 210 tokens"; without a time where the thinking came all at once, as that of a vote does. */
export function folded({ thinking: { seconds, tokens } }: ThinkingStatistics): string {
  const time = seconds.toFixed(1)
  const parts = [
    ...(time === '0.0' && tokens !== null ? [] : [`${time} s`]),
    ...(tokens === null ? [] : [plural(tokens, 'token')]),
  ]
  return `thought for ${parts.join(', ')}`
}

/** What a person should know of a reply besides its text; null if there is nothing. */
function remarkOn({ answer, end }: Reply): string | null {
  if (end === null) return 'stopped'
  const cut = end.reason === 'length' ? 'the reply was cut off at its longest length (--max-tokens)' : null
  if (end.reason === 'content_filter') return 'the provider withheld the rest of the reply'
  return answer === null ? `no answer: ${cut ?? 'the thinking did not end'}` : cut
}
