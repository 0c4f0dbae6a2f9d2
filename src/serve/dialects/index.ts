import type { Dialect } from '../dialect.ts'
import { anthropic } from './anthropic/anthropic.ts'
import { ollama } from './ollama/ollama.ts'
import { chatCompletions } from './openai/chat-completions.ts'
import { completions } from './openai/completions.ts'
import { models } from './openai/models.ts'
import { responses } from './openai/responses.ts'

/** Every dialect. The first one's errors are those of paths that belong to none. */
export const dialects: readonly Dialect[] = [
  chatCompletions,
  completions,
  responses,
  anthropic,
  ollama,
  models,
]
