import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import pc from 'picocolors'
import { UserError } from '../../common/errors.ts'
import { extract, verify, WAYS, type Way } from '../../verify/index.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'

export const verification = command(
  defineCommand({
    meta: {
      name: 'verify',
      description:
        'Is an answer (bare, or a whole response) mathematically equal to the gold? Exits with 0: equal, 1: different, 3: unknown',
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
        description: `where the answer is looked for, in this order (default: ${WAYS.join(',')})`,
      },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const gold = textOption(values, 'gold')!
    const given = textOption(values, 'answer')!
    const answer = given === '-' ? readFileSync(0, 'utf8') : given
    const order = waysOf(textOption(values, 'order'))
    const { equal, reason } = verify(gold, answer, { order })
    output.emit({ type: 'result', equal, reason })
    if (!output.json) {
      const found = extract(answer, { order })
      const word = equal === null ? pc.yellow('unknown') : equal ? pc.green('equal') : pc.red('different')
      output.result(`${word}  ${pc.dim(reason)}`)
      if (found !== null && found !== answer.trim()) output.say(pc.dim(`the answer: ${found}`))
    }
    return equal === null ? 3 : equal ? 0 : 1
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
