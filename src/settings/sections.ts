import { UserError } from '../common/errors.ts'
import { distillSettings } from './distill.ts'
import { knownPart, refuseUnknown } from './names.ts'
import { r1Settings } from './r1.ts'
import { rewardSettings } from './reward.ts'
import { sftSettings } from './sft.ts'
import { isTree, type Tree } from './tree.ts'
import { zeroSettings } from './zero.ts'

/** The settings of every command that a file of settings can have a section for. */
const SECTIONS = {
  zero: zeroSettings,
  sft: sftSettings,
  reward: rewardSettings,
  distill: distillSettings,
  r1: r1Settings,
}
export type Section = keyof typeof SECTIONS

const isSection = (name: string): name is Section => Object.hasOwn(SECTIONS, name)

/**
 * What a file of settings for several commands says to one of them, in two layers: the settings at its top, as far as the
 * command has them, and its own section. `sft: { epochs: 5 }` is a section; `r1` and `distill` have stages called `zero`
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
  refuseUnknown([SECTIONS[command], ...Object.values(SECTIONS)], shared)
  return [knownPart([SECTIONS[command]], shared), (own ?? {}) as Tree]
}
