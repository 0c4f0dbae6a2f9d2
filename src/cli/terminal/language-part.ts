import { readsLanguagePart } from '../../models/checkpoint/language-part.ts'
import { modelName } from './next.ts'
import type { Output } from './output.ts'

/**
 * Says once of a model that also takes images that only its language part is read.
 *
 * @param say by default prints the line once
 */
export function sayLanguagePart(
  output: Output,
  folder: string,
  say: (line: string) => void = (line) => output.sayOnce(line),
): void {
  if (readsLanguagePart(folder))
    say(`${modelName(folder)}: the language part of a model that also takes images, which are not read here`)
}
