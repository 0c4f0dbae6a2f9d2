import type { Dialect } from '../dialect.ts'
import { anthropic } from './anthropic.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { models } from './models.ts'
import { ollama } from './ollama.ts'
import { responses } from './responses.ts'

/** Every dialect. The first one's errors are those of paths that belong to none. */
export const dialects: readonly Dialect[] = [
  chatCompletions,
  completions,
  responses,
  anthropic,
  ollama,
  models,
]
