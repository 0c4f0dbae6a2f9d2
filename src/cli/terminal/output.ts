import pc from 'picocolors'
import { printable, styledPrintable } from '../../common/printable.ts'

/** What a command prints: JSON objects for programs, or text for people; nothing but results when quiet. */
export interface OutputOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}

/**
 * Where a command prints. With `json`, standard output gets one object per line and text for people goes to standard
 * error; otherwise text for people goes to standard output.
 */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  #live = false

  constructor({ json = false, quiet = false }: OutputOptions) {
    this.json = json
    this.quiet = quiet
  }

  get #stream(): NodeJS.WriteStream {
    return this.json ? process.stderr : process.stdout
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  /** A line for people, left out when quiet. */
  say(text = ''): void {
    if (this.quiet) return
    this.endLive()
    this.#stream.write(`${styledPrintable(text)}\n`)
  }

  /** A line for people that is printed even when quiet. */
  result(text: string): void {
    this.endLive()
    this.#stream.write(`${styledPrintable(text)}\n`)
  }

  /** A warning, on standard error. */
  warn(text: string): void {
    this.endLive()
    process.stderr.write(`${pc.yellow('warning')} ${printable(text)}\n`)
  }

  /** Replaces the live line. Does nothing where the output is not a terminal. */
  live(text: string): void {
    if (this.quiet || !this.isTerminal) return
    this.#live = true
    this.#stream.write(`\r\x1b[2K${truncate(styledPrintable(text), (this.#stream.columns || 100) - 1)}`)
  }

  /** Keeps the live line and begins a new one. */
  endLive(): void {
    if (!this.#live) return
    this.#live = false
    this.#stream.write('\n')
  }

  /** One object for programs, only with `json`. NaN, an unknown number, becomes null. */
  emit(object: { readonly type: string } & Record<string, unknown>): void {
    if (this.json) process.stdout.write(`${JSON.stringify(object)}\n`)
  }
}

/** The first `width` characters of a text. */
export function truncate(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** The last `width` characters of a text, on one line. */
export function tail(text: string, width: number): string {
  const line = printable(text.replace(/\s+/g, ' ').trim())
  return line.length <= width ? line : `…${line.slice(-(width - 1))}`
}

/** 75 → "1:15". */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const s = Math.round(seconds)
  const pad = (n: number): string => String(n).padStart(2, '0')
  return s < 3600
    ? `${Math.floor(s / 60)}:${pad(s % 60)}`
    : `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`
}

/** 0.1234 → "12.3 %"; unknown → "–". */
export function percent(value: number | null | undefined): string {
  return value == null || Number.isNaN(value) ? '–' : `${(100 * value).toFixed(1)} %`
}

/** A share with its standard error, if known: "12.0 % ± 1.9". */
export function percentInterval(value: number, standardError: number): string {
  return Number.isNaN(standardError)
    ? percent(value)
    : `${percent(value)} ± ${(100 * standardError).toFixed(1)}`
}

/** Rows of cells, each column padded to its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows
    .map((row) =>
      `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('   ')}`.trimEnd(),
    )
    .join('\n')
}
