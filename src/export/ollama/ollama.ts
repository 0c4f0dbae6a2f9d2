import { join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { writeFolderAtomically, writeText } from '../../common/files/files.ts'
import type { Quant } from '../../models/gguf/write/mixture.ts'
import { planGguf } from '../gguf.ts'
import type { Plan, Source } from '../source.ts'
import { goTemplate } from './go-template.ts'
import { findPieces } from './pieces.ts'

const GGUF = 'model.gguf'
/** Ollama reserves memory for the whole context when it loads a model. */
const MOST_CONTEXT = 8192

/** Plans a folder from which `ollama create NAME -f Modelfile` makes a model: a GGUF file and a Modelfile. */
export function planOllama(source: Source, quant: Quant): Plan {
  const gguf = planGguf(source, quant)
  const text = modelfile(source)
  return {
    bytes: gguf.bytes,
    write: (path, watch) =>
      writeFolderAtomically(path, async (temporary) => {
        await gguf.write(join(temporary, GGUF), watch)
        writeText(join(temporary, 'Modelfile'), text)
      }),
  }
}

/** The Modelfile (docs/modelfile.md of Ollama). @throws UserError for a chat template that Go's language cannot express. */
export function modelfile({ config, renderer, template, thinks, facts }: Source): string {
  const lines = [`FROM ./${GGUF}`]
  if (template !== null) {
    const bos = renderer.decode(renderer.encodeText('').slice(0, 1))
    const pieces = findPieces((messages, options) => renderer.chat.render(messages, options), bos || null)
    lines.push(`TEMPLATE ${quoted(goTemplate(pieces, thinks))}`)
  }
  const stops = renderer.stopTokens.map((id) => renderer.decode([id]))
  for (const stop of new Set(stops)) if (stop !== '') lines.push(`PARAMETER stop ${quoted(stop)}`)
  lines.push(`PARAMETER num_ctx ${Math.min(config.maxPositions, MOST_CONTEXT)}`)
  // DeepSeek-R1's own evaluation, and what it recommends against endless repetition.
  if (thinks) lines.push('PARAMETER temperature 0.6', 'PARAMETER top_p 0.95')
  if (facts.license !== null) lines.push(`LICENSE ${quoted(facts.license)}`)
  return `${lines.join('\n')}\n`
}

/** A value in the form in which Ollama reads it back exactly. */
function quoted(text: string): string {
  if (!text.includes('"') && !text.includes('\n')) return `"${text}"`
  if (text.includes('"""') || text.endsWith('"'))
    throw new UserError('the chat template contains """, which a Modelfile cannot hold')
  return `"""${text}"""`
}
