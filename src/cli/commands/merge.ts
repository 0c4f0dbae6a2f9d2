import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { pathFromHere } from '../../common/files/paths.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { mergeAdapters } from '../../models/checkpoint/peft/merge.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { sayLanguagePart } from '../terminal/language-part.ts'
import { modelWord, showNext } from '../terminal/next.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'

const DTYPES = { f32: 'F32', bf16: 'BF16' } as const
const names = Object.keys(DTYPES)

export const merge = command(
  defineCommand({
    meta: {
      name: 'merge',
      description:
        'Write a plain model: the base model of a run or PEFT folder with its adapters merged into it',
    },
    args: {
      model: {
        type: 'positional',
        required: true,
        valueHint: 'RUN|DIR|HUB_ID',
        description: 'a run that trained adapters, or a PEFT folder',
      },
      out: { type: 'string', valueHint: 'DIR', required: true, description: 'folder of the plain model' },
      dtype: { type: 'string', valueHint: 'NAME', description: 'weights as f32 (default) or bf16' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const named = textOption(values, 'dtype') ?? 'f32'
    if (!names.includes(named))
      throw new UserError(`--dtype must be one of ${names.join(', ')}, not ${named}`, 2)
    const out = textOption(values, 'out')!
    const say = (line: string) => output.live(line)
    const folder = await modelFolder(textOption(values, 'model')!, say, {
      onCheckpoint: (line) => output.say(line),
    })
    sayLanguagePart(output, folder)
    say(`merging ${pathFromHere(folder)}`)
    await mergeAdapters(folder, out, DTYPES[named as keyof typeof DTYPES])
    output.emit({ type: 'result', model: out, from: folder, dtype: named })
    if (output.json) return
    output.result(`merged ${pathFromHere(folder)} into its base model: ${pathFromHere(out)}`)
    if (loadConfig(out).head !== 'score') showNext(output, [[`chat --model ${modelWord(out)}`, 'talk to it']])
  },
)
