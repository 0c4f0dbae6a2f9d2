import type { Dialect } from '../dialect.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { models } from './models.ts'
import { responses } from './responses.ts'

/** Every dialect. The first one's errors are those of paths that belong to none. */
export const dialects: readonly Dialect[] = [chatCompletions, completions, responses, models]
