import type { Limits } from '../limits.ts'
import { RequestError } from '../problem.ts'

/**
 * Counts brackets and commas outside strings of JSON as it arrives, before anything is built from them: what is nested too
 * deep would overflow the stack of a chat template.
 */
export class Shape {
  private depth = 0
  private values = 1
  private inString = false
  private isEscaped = false
  constructor(
    private readonly limits: Pick<Limits, 'depth' | 'values'>,
    /** The field that holds the JSON; null: it is the body. */
    private readonly field: string | null = null,
  ) {}

  /** @throws RequestError if there are too many. */
  push(text: string): void {
    const { depth, values } = this.limits
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (this.isEscaped) this.isEscaped = false
      else if (code === QUOTE) this.inString = !this.inString
      else if (this.inString) this.isEscaped = code === BACKSLASH
      else if (code === OPEN_LIST || code === OPEN_OBJECT) {
        if (++this.depth > depth) throw this.refused(`is nested more than ${depth} levels deep`)
      } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) this.depth--
      else if (code === COMMA && ++this.values > values) throw this.refused(`has more than ${values} values`)
    }
  }

  private refused(how: string): RequestError {
    return new RequestError('invalid', `${this.field ?? 'the body'} ${how}`, { field: this.field })
  }
}
const [QUOTE, BACKSLASH, COMMA] = [34, 92, 44]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125]
