import { UserError } from '../common/errors.ts'
import { isTree, type Tree } from './tree.ts'

/** A setting that has no effect where the others are as they are. */
export interface Idle {
  /** Its path, such as "rl.objective.clipHigh"; of a mapping, all that is in it. */
  readonly setting: string
  /** Where it has no effect, such as "on the surrogate sapo". */
  readonly where: string
  /** What else can be done than to leave it out. */
  readonly instead: string
}

/**
 * Refuses settings without effect. Those that are as the preset has them are no fault: nobody asked for them.
 *
 * @param usual the settings of the preset, with nothing given
 * @throws UserError in one line for the first of these settings that was given
 */
export function refuseIdle(settings: object, usual: object, idle: readonly Idle[]): void {
  for (const { setting, where, instead } of idle) {
    const path = setting.split('.')
    const changed = firstChange(valueAt(settings, path), valueAt(usual, path), setting)
    if (changed !== null)
      throw new UserError(`setting ${changed} has no effect ${where}: leave it out, or ${instead}`, 2)
  }
}

function valueAt(settings: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isTree(value) ? value[name] : undefined), settings as Tree)
}

/** The path of the first setting that is not as usual; null if all are. */
function firstChange(value: unknown, usual: unknown, path: string): string | null {
  if (isTree(value) && (isTree(usual) || Object.keys(value).length === 0))
    for (const [name, inner] of Object.entries(value)) {
      const changed = firstChange(inner, isTree(usual) ? usual[name] : undefined, `${path}.${name}`)
      if (changed !== null) return changed
    }
  else if (JSON.stringify(value ?? null) !== JSON.stringify(usual ?? null)) return path
  return null
}

/** What truncates the sampling has no effect where the likeliest token is always taken. `group`: where these settings are. */
export function idleIfGreedy(group: string, { temperature }: { readonly temperature: number }): Idle[] {
  if (temperature !== 0) return []
  return ['topK', 'topP', 'minP'].map((name) => ({
    setting: `${group}.${name}`,
    where: `on greedy sampling (${group}.temperature is 0)`,
    instead: `set ${group}.temperature above 0`,
  }))
}
