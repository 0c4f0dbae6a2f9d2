import type { Generator } from '../../providers/generator.ts'
import { assistant } from './world/index.ts'

/** Rules that write and judge in the place of a model, by name. */
const ROLES = { miniature: assistant } satisfies Record<string, () => Generator>

export type RoleName = keyof typeof ROLES
export const roleNames = Object.keys(ROLES) as RoleName[]

/** Opens such rules. */
export const openRole = (name: RoleName): Generator => ROLES[name]()
