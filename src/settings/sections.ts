import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { distillSettings } from './distill.ts'
import { dpoSettings } from './dpo.ts'
import { knownPart, refuseUnknown } from './names.ts'
import { r1Settings } from './r1.ts'
import { rewardSettings } from './reward.ts'
import { sftSettings } from './sft.ts'
import { isTree, type Tree } from './tree.ts'
import { zeroSettings } from './zero.ts'

/** The commands that a settings file can have a section for, with their settings. */
const SECTIONS = {
  zero: zeroSettings,
  sft: sftSettings,
  reward: rewardSettings,
  dpo: dpoSettings,
  distill: distillSettings,
  r1: r1Settings,
}
export type Section = keyof typeof SECTIONS

const isSection = (name: string): name is Section => Object.hasOwn(SECTIONS, name)

/**
 * The settings that a file for several commands has for one of them, in two layers: the settings at its top that the
 * command knows, and its own section. `sft: { epochs: 5 }` is a section; `r1` and `distill` have stages called `zero`
 * and `sft`, which are stages in a file without a section for them.
 *
 * @throws UserError for a name that no command has, in any section, with the nearest one.
 */
export function settingsFor(command: Section, file: Tree): [shared: Tree, own: Tree] {
  const own = file[command]
  const hasStage = (name: string): boolean =>
    own === undefined && Object.hasOwn(SECTIONS[command].shape, name)
  const shared: Tree = {}
  for (const [name, value] of Object.entries(file))
    if (!isSection(name) || hasStage(name)) shared[name] = value
    else if (value === null) continue
    else if (!isTree(value))
      throw new UserError(
        `the section ${name} is ${JSON.stringify(value)}: it must be a mapping of names to values`,
        2,
      )
    else refuseUnknown([SECTIONS[name]], value, name)
  const schemas = [SECTIONS[command], ...Object.values(SECTIONS)]
  refuseMisspelt(
    schemas.flatMap(({ shape }) => Object.keys(shape)),
    shared,
  )
  refuseUnknown(schemas, shared)
  return [knownPart([SECTIONS[command]], shared), (own ?? {}) as Tree]
}

/** @throws UserError for a mapping whose name is not that of a setting, but nearly that of a section. */
function refuseMisspelt(settings: readonly string[], shared: Tree): void {
  for (const [name, value] of Object.entries(shared)) {
    if (!isTree(value) || settings.includes(name)) continue
    const near = nearest(name, [...settings, ...Object.keys(SECTIONS)])
    if (near !== null && isSection(near))
      throw new UserError(`unknown setting ${name}; did you mean ${near}?`, 2)
  }
}
