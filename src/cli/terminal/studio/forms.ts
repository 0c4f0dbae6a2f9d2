import { z } from 'zod'
import { isRecord } from '../../../common/json.ts'
import { distillSettings, resolveDistillSettings } from '../../../settings/distill.ts'
import { r1Settings, resolveR1Settings } from '../../../settings/r1.ts'
import { resolveSftSettings, sftSettings } from '../../../settings/sft.ts'
import { resolveZeroSettings, zeroSettings } from '../../../settings/zero.ts'
import { distill } from '../../commands/distill.ts'
import { r1 } from '../../commands/r1.ts'
import { sft } from '../../commands/sft.ts'
import { zero } from '../../commands/zero.ts'
import type { Command } from '../command.ts'

type Schema = Record<string, unknown>

/** What a form is made of: settings, what they are by default, and the command whose options describe some of them. */
const FORMS: Record<string, { settings: z.ZodType; defaults: () => object; command: Command }> = {
  zero: { settings: zeroSettings, defaults: () => resolveZeroSettings({}), command: zero },
  sft: {
    settings: sftSettings,
    // without data or a task there are no settings; the task itself has no default
    defaults: () => ({ ...resolveSftSettings({ task: 'miniature' }), task: null }),
    command: sft,
  },
  r1: { settings: r1Settings, defaults: () => resolveR1Settings({}), command: r1 },
  distill: {
    settings: distillSettings,
    defaults: () => ({ ...resolveDistillSettings({ data: 'data.jsonl' }), data: null }),
    command: distill,
  },
}

/** The commands that a form can start. */
export const formNames = Object.keys(FORMS)

/** The settings of each command as JSON Schemas, with the presets' numbers as defaults, so that nothing is required. */
export const forms = (): Record<string, object> =>
  Object.fromEntries(
    Object.entries(FORMS).map(([name, { settings, defaults, command }]) => {
      const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }) as Schema
      return [name, described(withDefaults(schema, defaults()), command)]
    }),
  )

function withDefaults(schema: Schema, value: unknown): Schema {
  const { required: _, ...rest } = schema
  if (!isRecord(schema.properties) || !isRecord(value))
    return value === undefined ? rest : { ...rest, default: value }
  const properties = Object.entries(schema.properties).map(([name, one]) => [
    name,
    withDefaults(one as Schema, value[name]),
  ])
  return { ...rest, properties: Object.fromEntries(properties) }
}

/** Descriptions of the settings that have an option of their own. */
function described(schema: Schema, { definition }: Command): Schema {
  const args = (definition.args ?? {}) as Record<string, { description?: string }>
  const properties = Object.entries(schema.properties as Record<string, Schema>).map(([name, one]) => {
    const description = args[name]?.description?.replace(/ \(default[^)]*\)/, '')
    return [name, description === undefined ? one : { ...one, description }]
  })
  const { description } = definition.meta as { description?: string }
  return { ...schema, title: schema.title ?? description, properties: Object.fromEntries(properties) }
}
