import { fail } from './errors.ts'
import { braceFormat } from './format.ts'
import { isUnsafe, itemAt, methodOf } from './methods.ts'
import { Slice, slice } from './operators.ts'
import { characters } from './text.ts'
import {
  Callable,
  Dict,
  describe,
  Instance,
  Markup,
  orElse,
  Range,
  repr,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

/** `object.name`: an attribute such as a method first, then the item of the name. */
export function getAttribute(object: Value, name: string): Value {
  if (object instanceof Undefined) return fail(object.message)
  return orElse(attribute(object, name), () => orElse(item(object, name), () => missing(object, name)))
}

/** `object[key]`: the item first, then, if the key is a string, the attribute of the name. */
export function getItem(object: Value, key: Value | Slice): Value {
  if (object instanceof Undefined) return fail(object.message)
  if (key instanceof Slice) return slice(object, key)
  return orElse(item(object, key), () => {
    const found = typeof key === 'string' ? attribute(object, key) : undefined
    return orElse(found, () => missing(object, key))
  })
}

/** The undefined value of an attribute or item that does not exist. */
export function missing(object: Value, key: Value): Undefined {
  return new Undefined(
    typeof key === 'string'
      ? `'${describe(object)}' has no attribute '${key}'`
      : `${describe(object)} has no element ${repr(key)}`,
  )
}

function item(object: Value, key: Value): Value | undefined {
  if (object instanceof Dict) return isHashable(key) ? object.get(key) : undefined
  if (typeof key !== 'bigint' && typeof key !== 'boolean') return undefined
  if (typeof object === 'string') return itemAt(characters(object), key)
  if (object instanceof Markup) {
    const character = itemAt(characters(object.text), key)
    return character === undefined ? undefined : new Markup(character)
  }
  if (Array.isArray(object)) return itemAt(object, key)
  if (object instanceof Tuple || object instanceof Range) return itemAt(object.items, key)
  return undefined
}

const isHashable = (key: Value): boolean => !(Array.isArray(key) || key instanceof Dict)

/** An attribute such as a method, undefined if there is none; what the sandbox refuses is an Undefined. */
export function attribute(object: Value, name: string): Value | undefined {
  if (isUnsafe(object, name))
    return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`)
  if (object instanceof Instance) return object.attributes.get(name)
  if (object instanceof Callable)
    return Object.hasOwn(object.attributes, name) ? object.attributes[name] : undefined
  if (typeof object === 'string' && name === 'format')
    return new Callable('format', (args) =>
      braceFormat(object, args, (value, key, isAttribute) =>
        isAttribute ? getAttribute(value, key as string) : getItem(value, key),
      ),
    )
  return methodOf(object, name)
}
