import { displayWidth } from './width.ts'

/** Lines for a terminal of `width` columns, none of them wider. */
type Render = (width: number) => readonly string[]

/** Columns that stay free, so that the ^C that a terminal prints does not begin a new line. */
const FREE = 3
/** Milliseconds between two redraws of counts. */
const PACE = 50
/** Milliseconds after which the lines are drawn again, since they may show how long something takes. */
const REFRESH = 1000

/** Can lines of this stream be redrawn? Not in a file or pipe, on a terminal that cannot move its cursor, or in CI. */
export function canRedraw(stream: NodeJS.WriteStream): boolean {
  const { TERM, CI, NO_COLOR } = process.env
  const set = (value: string | undefined): boolean =>
    value !== undefined && !['', '0', 'false'].includes(value)
  return stream.isTTY === true && TERM !== 'dumb' && !set(CI) && !NO_COLOR
}

/** The columns of a terminal; of a file or pipe, 80. */
export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns || 80

/**
 * Asks the terminal for its size now. Node learns of a new one by a signal, which a busy process handles after it has drawn
 * once more, with the old number of columns: it would then erase too few rows. Where the size is new, 'resize' is emitted.
 */
function askForSize(stream: NodeJS.WriteStream): void {
  ;(stream as { _refreshSize?: () => void })._refreshSize?.()
}

/**
 * The lines below everything that was printed, which are redrawn in place and leave nothing behind. The cursor stays at
 * their end. A terminal that becomes narrower breaks them into several rows, which are counted when they are erased.
 */
class LiveArea {
  #stream: NodeJS.WriteStream | null = null
  #render: Render | null = null
  #drawn: readonly string[] = []
  #drawnAt = Number.NEGATIVE_INFINITY
  #refresh: NodeJS.Timeout | undefined
  readonly #redraw = (): void => this.#draw()

  /** Shows lines in the place of those before. Soon after the last redraw, `paced` lines wait for the next call. */
  show(stream: NodeJS.WriteStream, render: Render, paced = false): void {
    if (this.#stream !== stream) {
      this.clear()
      this.#stream = stream
      stream.on('resize', this.#redraw)
      this.#refresh = setInterval(this.#redraw, REFRESH).unref()
    }
    this.#render = render
    if (!paced || performance.now() - this.#drawnAt >= PACE) this.#draw()
  }

  /** Erases the lines. Does nothing where there are none. */
  clear(): void {
    if (!this.#stream) return
    askForSize(this.#stream)
    this.#stream.write(this.#erasing())
    this.#stream.off('resize', this.#redraw)
    clearInterval(this.#refresh)
    this.#stream = this.#render = null
    this.#drawn = []
    this.#drawnAt = Number.NEGATIVE_INFINITY
  }

  #draw(): void {
    const stream = this.#stream!
    askForSize(stream)
    const lines = this.#render!(Math.max(1, columnsOf(stream) - FREE))
    stream.write(`${this.#erasing()}${lines.join('\n')}`)
    this.#drawn = lines
    this.#drawnAt = performance.now()
  }

  /**
   * Erases the rows from the last one up, where the cursor then stands. A terminal may keep a whole screen that is erased at
   * once, as tmux does, so each row is erased by itself.
   */
  #erasing(): string {
    const columns = columnsOf(this.#stream!)
    const rows = this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)),
      0,
    )
    return `\r\x1b[K${'\x1b[A\x1b[K'.repeat(Math.max(0, rows - 1))}`
  }
}

/** The live area of this process, which has one terminal. */
export const liveArea = new LiveArea()
