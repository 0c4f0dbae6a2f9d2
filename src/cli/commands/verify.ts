import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { extract, verify, WAYS, type Way } from '../../verify/index.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import { showVerdict } from '../terminal/verdict.ts'

export const verification = command(
  defineCommand({
    meta: {
      name: 'verify',
      description:
        'Is an answer (bare, or in a whole response) mathematically equal to the gold? Exit codes: 0 equal, 1 different, 3 unknown',
    },
    args: {
      gold: { type: 'positional', required: true, description: 'the gold answer' },
      answer: {
        type: 'positional',
        required: true,
        description: 'the answer; - reads it from standard input',
      },
      order: {
        type: 'string',
        valueHint: 'a,b,c',
        description: `ways to find the answer, in the order in which they are tried (default: ${WAYS.join(',')})`,
      },
      ...outputOptions,
    },
  }),
  async (values) => {
    const given = textOption(values, 'answer')!
    const answer = given === '-' ? readFileSync(0, 'utf8') : given
    const order = waysOf(textOption(values, 'order'))
    const verdict = verify(textOption(values, 'gold')!, answer, { order })
    showVerdict(outputOf(values), verdict, answer, extract(answer, { order }))
    return verdict.equal === null ? 3 : verdict.equal ? 0 : 1
  },
)

function waysOf(text: string | undefined): readonly Way[] {
  if (text === undefined) return WAYS
  return text.split(',').map((word) => {
    const way = WAYS.find((x) => x === word.trim())
    if (!way) throw new UserError(`--order ${text}: "${word}" is none of ${WAYS.join(', ')}`, 2)
    return way
  })
}
