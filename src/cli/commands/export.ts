import { basename, dirname, join } from 'node:path'
import { defineCommand } from 'citty'
import { Stopped, UserError } from '../../common/errors.ts'
import { pathFromHere } from '../../common/files/paths.ts'
import { shellWord } from '../../common/shell.ts'
import { fileSize } from '../../common/words.ts'
import { type Exported, exportModel, FORMATS } from '../../export/export-model.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { choiceOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { factsOf } from '../terminal/export-facts.ts'
import { sayLanguagePart } from '../terminal/language-part.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'

const formats = Object.keys(FORMATS)
const quants = formats.map((name) => `${name} ${FORMATS[name]!.quants.join(', ')}`).join('; ')

export const exporting = command(
  defineCommand({
    meta: {
      name: 'export',
      description:
        'Write a model for other programs: a folder for the Hugging Face hub (hf), one file for llama.cpp and LM Studio (gguf), a folder for Ollama (ollama), or one for Transformers.js and onnxruntime-genai (onnx). Adapters are merged into their base',
    },
    args: {
      model: {
        type: 'positional',
        required: true,
        description: 'run, checkpoint, model folder, PEFT folder, GGUF file, or name on the hub',
      },
      to: { type: 'string', valueHint: formats.join('|'), description: 'the format' },
      quant: {
        type: 'string',
        valueHint: 'TYPE',
        description: `how the weights are stored, by default the first: ${quants}`,
      },
      out: {
        type: 'string',
        valueHint: 'FILE|DIR',
        description: 'what to write (default: named after the model, in the current folder)',
      },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const to = choiceOption(values, 'to', formats)
    if (to === undefined) throw new UserError(`--to is missing: write --to ${formats.join(', --to ')}`, 2)
    const exported = await stoppable(output, async (signal) => {
      const progress = (line: string) => output.live(line)
      const folder = await modelFolder(String(values.model), progress, {
        onCheckpoint: (line) => output.say(line),
        signal,
      })
      sayLanguagePart(output, folder)
      return exportModel(
        {
          folder,
          to,
          quant: textOption(values, 'quant'),
          out: textOption(values, 'out'),
          facts: factsOf(folder),
        },
        { progress, signal },
      )
    })
    show(output, to, exported)
  },
)

/** Runs `work` with a signal that Ctrl-C aborts. @throws Stopped if it was. */
async function stoppable<T>(output: Output, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    output.endLive()
    throw new Stopped('stopped; nothing was written')
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function show(output: Output, to: string, { path, quant, bytes, seconds }: Exported): void {
  const time = seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
  output.emit({ type: 'result', path, format: to, quant, bytes, seconds })
  if (output.json) return
  output.prose(`${pathFromHere(path)}: ${quant}, ${fileSize(bytes)}, in ${time}`)
  output.aside(
    `next${to === 'onnx' ? ', where @huggingface/transformers is installed' : ''}: ${nextCommand(to, path)}`,
  )
}

/** The command that runs what was written, in the program that it is for. */
function nextCommand(to: string, path: string): string {
  const here = shellWord(pathFromHere(path))
  // Ollama and the hub take no other characters in a name.
  const name = basename(path)
    .replace(/-(ollama|hf)$/, '')
    .replace(/[^\w.-]+/g, '-')
  switch (to) {
    case 'gguf':
      return `llama-server -m ${here} --jinja`
    case 'ollama':
      return `ollama create ${name} -f ${shellWord(join(pathFromHere(path), 'Modelfile'))} && ollama run ${name}`
    case 'onnx':
      return `node -e ${shellWord(inTransformersJs(path))}`
    default:
      return `hf upload OWNER/${name} ${here}`
  }
}

/** A program for Transformers.js that asks the model in a folder a question. */
const inTransformersJs = (path: string): string =>
  `import("@huggingface/transformers").then(async ({ env, pipeline }) => {
  env.localModelPath = ${JSON.stringify(dirname(path))}
  const ask = await pipeline("text-generation", ${JSON.stringify(basename(path))})
  const [{ generated_text }] = await ask([{ role: "user", content: "What is 3 + 4?" }], { max_new_tokens: 200 })
  console.log(generated_text.at(-1).content)
})`
