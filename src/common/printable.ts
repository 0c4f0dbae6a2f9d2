/**
 * Text of a model or a data file, as it can be printed: a terminal obeys control characters (they move the cursor, change
 * colours, set the title, or reverse the order of a line), so each is replaced by a visible one: escape by ␛, and so on.
 * Tabs and line breaks stay. Half characters (lone surrogates) become �.
 */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROL, (control) => {
      const code = control.codePointAt(0)!
      if (code < 0x20) return String.fromCodePoint(0x2400 + code)
      return code === 0x7f ? '␡' : '\ufffd'
    })
    .toWellFormed()
}

/** Text that may be coloured by escape sequences of its own (SGR), and is otherwise made printable. */
export const styledPrintable = (text: string): string =>
  text
    .split(STYLE)
    .map((part, i) => (i % 2 === 0 ? printable(part) : part))
    .join('')

// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what it finds
const STYLE = /(\x1b\[[\d;]*m)/

/** C0 but tab and line feed, delete, C1, and the controls that change the direction of the text around them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it finds
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
