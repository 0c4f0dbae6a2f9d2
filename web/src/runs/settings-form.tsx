import type { TargetedInputEvent } from 'preact'
import type { Schema } from '../api/types.ts'

/** The settings that were changed, by their path, such as `rl.groupSize`. */
export type Changes = Readonly<Record<string, unknown>>

interface Props {
  readonly schema: Schema
  readonly changes: Changes
  readonly onChange: (changes: Changes) => void
  readonly path?: string
}

/** A field for each setting of a schema, with its description; settings of settings are folded. */
export function SettingsForm({ schema, changes, onChange, path = '' }: Props) {
  const set = (at: string, value: unknown) => {
    const { [at]: _, ...others } = changes
    onChange(value === undefined ? others : { ...others, [at]: value })
  }
  return (
    <>
      {Object.entries(schema.properties ?? {}).map(([name, property]) => {
        const at = path ? `${path}.${name}` : name
        const inner = withoutNull(property)
        if (inner.properties)
          return (
            <details key={at} class="settings">
              <summary>
                {name} {property.description && <span class="quiet">{property.description}</span>}
              </summary>
              <SettingsForm schema={inner} changes={changes} onChange={onChange} path={at} />
            </details>
          )
        return (
          <Setting
            key={at}
            at={at}
            name={name}
            schema={property}
            value={changes[at]}
            onChange={(value) => set(at, value)}
          />
        )
      })}
    </>
  )
}

interface SettingProps {
  readonly at: string
  readonly name: string
  readonly schema: Schema
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

function Setting({ at, name, schema, value, onChange }: SettingProps) {
  const inner = withoutNull(schema)
  const initial = schema.default === undefined ? '' : String(schema.default)
  const choices = choicesOf(inner)
  const type = Array.isArray(inner.type) ? inner.type[0] : inner.type
  const isNumeric = type === 'number' || type === 'integer'
  const id = `setting-${at}`
  const field = {
    id,
    placeholder: initial,
    value: value === undefined ? '' : String(value),
    onInput: ({ currentTarget: { value: text } }: TargetedInputEvent<HTMLInputElement>) =>
      onChange(text === '' ? undefined : isNumeric ? Number(text) : text),
  }
  return (
    <div class="setting">
      <label for={id}>{name}</label>
      {choices ? (
        <select
          id={id}
          value={value === undefined ? '' : String(value)}
          onChange={(event) =>
            onChange(choices.find((choice) => String(choice) === event.currentTarget.value))
          }
        >
          <option value="">{initial ? `as usual: ${initial}` : 'as usual'}</option>
          {choices.map((choice) => (
            <option key={String(choice)} value={String(choice)}>
              {String(choice)}
            </option>
          ))}
        </select>
      ) : isNumeric ? (
        <input
          {...field}
          type="number"
          step={type === 'integer' ? 1 : 'any'}
          {...(inner.minimum !== undefined && { min: inner.minimum })}
          {...(inner.maximum !== undefined && { max: inner.maximum })}
        />
      ) : (
        <input {...field} type="text" />
      )}
      {schema.description && schema.description !== name && <p class="quiet">{schema.description}</p>}
    </div>
  )
}

/** The schema of a setting that may also be null. */
function withoutNull(schema: Schema): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null')
  return others?.length === 1 ? others[0]! : schema
}

function choicesOf({ type, enum: values, anyOf }: Schema): readonly unknown[] | null {
  if (type === 'boolean') return [true, false]
  if (values) return values
  const constants = anyOf?.map((schema) => schema.const)
  return constants?.every((value) => value !== undefined) ? constants : null
}
