import type { TinkerSettings } from '../../engines/contract.ts'
import type { EngineName } from '../../engines/open.ts'
import type { Generator } from '../../providers/generator.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import type { Task } from '../../tasks/task.ts'
import type { ReadableLimits } from './readable.ts'

/** What every data set of a run needs. */
export interface DataContext {
  /** Task of the reasoning questions. */
  readonly reasoning: Task
  /** Task of the general prompts. */
  readonly general: Task
  readonly judge: Generator
  readonly limits: ReadableLimits
  /** Longest sampled response, in tokens. */
  readonly maxTokens: number
  readonly seed: number
  readonly threads: number
  readonly engine: EngineName
  readonly tinker: TinkerSettings | null
  /** Arguments and date of the models' chat templates. */
  readonly chat: TemplateSettings
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}
