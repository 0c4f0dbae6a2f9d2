import { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { EFFORTS } from '../../thinking/strategies/effort.ts'
import { STRATEGIES, type StrategySpec } from '../../thinking/strategies/strategy.ts'

/** Settings of a strategy. */
export const strategySettings = z.strictObject({
  kind: z.enum(STRATEGIES).optional(),
  samples: z.int().min(1).max(1024).optional(),
  weighted: z.boolean().optional(),
  rounds: z.int().min(1).max(64).optional(),
  budget: z
    .strictObject({
      max: z.int().min(0).optional(),
      min: z.int().min(0).optional(),
      wait: z.string().min(1).optional(),
      waits: z.int().min(0).optional(),
      closing: z.string().optional(),
    })
    .optional(),
  effort: z.enum(EFFORTS).optional(),
})

/** Checks settings of a strategy from a file or a request. @throws UserError that names the setting. */
export function readStrategy(given: unknown): StrategySpec {
  const { data, error } = strategySettings.safeParse(given)
  if (data !== undefined) return data
  const { path, message } = error!.issues[0]!
  throw new UserError(`strategy${path.map((name) => `.${String(name)}`).join('')}: ${message}`, 2)
}
