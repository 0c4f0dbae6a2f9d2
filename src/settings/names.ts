import type { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { isTree, type Tree } from './tree.ts'

/* The names of settings: which ones schemas have, which names of a mapping they lack, and what a misspelt one means. */

/** Schemas of which any may describe a value. */
type Schemas = readonly z.core.$ZodType[]

/** The fields of a mapping by name, each with the schemas of its value; null if any name is allowed, or it is no mapping. */
function fieldsOf(schemas: Schemas): ReadonlyMap<string, Schemas> | null {
  const fields = new Map<string, z.core.$ZodType[]>()
  let mapping = false
  for (const schema of schemas.flatMap(plain)) {
    const { def } = (schema as z.core.$ZodTypes)._zod
    if (def.type === 'record') return null
    if (def.type !== 'object') continue
    mapping = true
    for (const [name, field] of Object.entries(def.shape))
      fields.set(name, [...(fields.get(name) ?? []), field])
  }
  return mapping ? fields : null
}

/** A schema without what it is wrapped in: defaults, null, transformations; of a union, its members. */
function plain(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'union') return def.options.flatMap(plain)
  if (def.type === 'pipe') return plain(def.out._zod.def.type === 'transform' ? def.in : def.out)
  return 'innerType' in def ? plain(def.innerType) : [schema]
}

/** The path of the first name in the settings that no schema has; null if there is none. */
function unknownName(
  schemas: Schemas,
  settings: Tree,
  path: readonly string[] = [],
): readonly string[] | null {
  const fields = fieldsOf(schemas)
  if (fields === null) return null
  for (const [name, value] of Object.entries(settings)) {
    const field = fields.get(name)
    if (!field) return [...path, name]
    const below = isTree(value) ? unknownName(field, value, [...path, name]) : null
    if (below) return below
  }
  return null
}

/** The settings without those whose names no schema has. */
export function knownPart(schemas: Schemas, settings: Tree): Tree {
  const fields = fieldsOf(schemas)
  if (fields === null) return settings
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      const field = fields.get(name)
      return field ? [[name, isTree(value) ? knownPart(field, value) : value]] : []
    }),
  )
}

/**
 * Refuses names that no schema has. `section`: the section of a settings file that the settings are in.
 *
 * @throws UserError with the setting that the first such name probably means, or else with those that the first schema has
 * at its path.
 */
export function refuseUnknown(schemas: Schemas, settings: Tree, section?: string): void {
  const path = unknownName(schemas, settings)
  if (path === null) return
  const prefix = section === undefined ? '' : `${section}.`
  const near = nearestPath(schemas, path)
  const known = namesAt(schemas.slice(0, 1), path.slice(0, -1))
  const advice =
    near !== null
      ? `; did you mean ${prefix}${near}?`
      : known.length > 0
        ? `; the settings are ${known.join(', ')}`
        : ''
  throw new UserError(`unknown setting ${prefix}${path.join('.')}${advice}`, 2)
}

/** Names that people look for, in the place of those that the settings have. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'rewards.length': 'rewards.overlong or rewards.cosine, the rewards for length',
}

/** The setting that a misspelt name probably means: one at the same path, or else one with a similar name anywhere. */
function nearestPath(schemas: Schemas, path: readonly string[]): string | null {
  const [above, name] = [path.slice(0, -1), path.at(-1)!]
  const at = (one: string): string => [...above, one].join('.')
  const others = Object.keys(OTHER_NAMES).flatMap((other) => {
    const last = other.split('.').at(-1)!
    return other === at(last) ? [last] : []
  })
  const sibling = nearest(name, [...namesAt(schemas, above), ...others])
  if (sibling !== null) return OTHER_NAMES[at(sibling)] ?? at(sibling)
  const all = pathsBelow(schemas, [])
  const similar = nearest(
    name,
    all.map((other) => other.at(-1)!),
  )
  return all.find((other) => other.at(-1) === similar)?.join('.') ?? null
}

function pathsBelow(schemas: Schemas, path: readonly string[]): string[][] {
  return [...(fieldsOf(schemas) ?? [])].flatMap(([name, field]) => [
    [...path, name],
    ...pathsBelow(field, [...path, name]),
  ])
}

/** The names of the settings at a path. */
function namesAt(schemas: Schemas, path: readonly string[]): string[] {
  const at = path.reduce<Schemas>((below, name) => fieldsOf(below)?.get(name) ?? [], schemas)
  return [...(fieldsOf(at)?.keys() ?? [])]
}
