/**
 * The text on a terminal: understands line breaks, carriage returns, the cursor's way up, and erasing from the cursor on.
 * Every character takes one column. A narrower screen breaks its lines, as most terminals do.
 */
export class Screen {
  /** Lines as they were written; a screen shows a long one on several rows. */
  #lines: string[] = ['']
  /** The cursor's line, and its place in it. */
  #line = 0
  #column = 0

  constructor(public columns: number) {}

  write(text: string): boolean {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
    for (const [part, amount = '1', code] of text.matchAll(/\x1b\[(\d*)([A-Za-z])|[\s\S]/g)) {
      if (code === 'A') this.#up(Number(amount || 1))
      else if (code === 'J' || code === 'K') this.#erase(code === 'J')
      else if (code !== undefined) continue
      else if (part === '\r') this.#column -= this.#column % this.columns
      else if (part === '\n') this.#feed()
      else this.#put(part)
    }
    return true
  }

  /** The rows, without spaces at their ends and empty rows at the end. */
  get rows(): string[] {
    const rows = this.#lines.flatMap((line) => this.#rowsOf(line))
    return rows.join('\n').trimEnd().split('\n')
  }

  #rowsOf(line: string): string[] {
    const count = Math.max(1, Math.ceil(line.length / this.columns))
    return Array.from({ length: count }, (_, i) =>
      line.slice(i * this.columns, (i + 1) * this.columns).trimEnd(),
    )
  }

  #up(rows: number): void {
    for (let i = 0; i < rows; i++) {
      if (this.#column >= this.columns) this.#column -= this.columns
      else if (this.#line > 0) {
        this.#line--
        const last = this.#rowsOf(this.#lines[this.#line]!).length - 1
        this.#column = last * this.columns + (this.#column % this.columns)
      }
    }
  }

  #erase(below: boolean): void {
    this.#lines[this.#line] = this.#lines[this.#line]!.slice(0, this.#column)
    if (below) this.#lines.length = this.#line + 1
  }

  #feed(): void {
    this.#line++
    this.#column = 0
    if (this.#line === this.#lines.length) this.#lines.push('')
  }

  #put(character: string): void {
    const line = this.#lines[this.#line]!.padEnd(this.#column)
    this.#lines[this.#line] = line.slice(0, this.#column) + character + line.slice(this.#column + 1)
    this.#column++
  }
}
