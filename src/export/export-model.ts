import { existsSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { onDisk } from '../common/disk.ts'
import { UserError } from '../common/errors.ts'
import { makeFolder, writeFolderAtomically } from '../common/files.ts'
import { gibibytes } from '../common/words.ts'
import { planGguf, writeGguf } from './gguf.ts'
import { planHf, writeHf } from './hf.ts'
import type { CardFacts } from './model-card.ts'
import { planOllama, writeOllama } from './ollama/ollama.ts'
import { planOnnx, writeOnnx } from './onnx/onnx.ts'
import { readSource, type Source, type Watch } from './source.ts'

/** The formats that a model can be exported to, each with the kinds of weights it can have; the first is the default. */
export const FORMATS = {
  hf: ['f32', 'bf16'],
  gguf: ['f16', 'f32', 'bf16', 'q8_0', 'q4_k_m'],
  ollama: ['f16', 'f32', 'bf16', 'q8_0', 'q4_k_m'],
  onnx: ['f32', 'f16', 'q4'],
} as const
export type Format = keyof typeof FORMATS
