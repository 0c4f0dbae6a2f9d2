import { fail, RaisedByTemplate } from './errors.ts'
import { setOnNamespace } from './render.ts'
import { strftime } from './strftime.ts'
import {
  type Arguments,
  bind,
  Callable,
  Dict,
  Instance,
  iterate,
  listOf,
  Range,
  str,
  typeName,
  type Value,
} from './values.ts'

/** The functions that a chat template can call. `now` is what `strftime_now` prints, in local time. */
export function globals(now: Date): [string, Value][] {
  const functions: Record<string, (args: Arguments) => Value> = {
    raise_exception: (args) => {
      throw new RaisedByTemplate(str(bind('raise_exception', args, ['message'])[0]!))
    },
    strftime_now: (args) => strftime(now, str(bind('strftime_now', args, ['format'])[0]!)),
    range: ({ positional }) => {
      const bounds = positional.map((value) => {
        if (typeof value === 'bigint' || typeof value === 'boolean') return BigInt(value)
        return fail(`'${typeName(value)}' object cannot be interpreted as an integer`)
      })
      if (bounds.length === 0 || bounds.length > 3)
        fail(`range expected 1 to 3 arguments, got ${bounds.length}`)
      const [start, stop, step = 1n] =
        bounds.length === 1 ? [0n, bounds[0]!] : (bounds as [bigint, bigint, bigint?])
      if (step === 0n) fail('range() arg 3 must not be zero')
      return new Range(start, stop, step)
    },
    dict: (args) => dict('dict', args),
    namespace: (args) => {
      const namespace = new Instance('Namespace', new Map())
      for (const [key, value] of dict('namespace', args).entries()) setOnNamespace(namespace, str(key), value)
      return namespace
    },
    cycler: ({ positional }) => {
      if (positional.length === 0) fail('at least one item has to be provided')
      let at = 0
      const cycler = new Instance('Cycler', new Map([['current', positional[0]!]]))
      const go = (to: number): void => {
        at = to % positional.length
        cycler.attributes.set('current', positional[at]!)
      }
      cycler.attributes.set(
        'next',
        new Callable('next', () => {
          const current = positional[at]!
          go(at + 1)
          return current
        }),
      )
      cycler.attributes.set(
        'reset',
        new Callable('reset', () => {
          go(0)
          return null
        }),
      )
      return cycler
    },
    joiner: (args) => {
      const [separator = ', '] = bind('joiner', args, ['sep?'])
      let used = false
      return new Instance('Joiner', new Map(), () => {
        const text = used ? separator : ''
        used = true
        return text
      })
    },
  }
  return Object.entries(functions).map(([name, call]) => [name, new Callable(name, call)])
}

/** `dict(mapping_or_pairs, name=value)`. */
function dict(name: string, { positional, named }: Arguments): Dict {
  if (positional.length > 1) fail(`${name} expected at most 1 argument, got ${positional.length}`)
  const [source] = positional
  const entries =
    source === undefined
      ? []
      : source instanceof Dict
        ? [...source.entries()]
        : listOf(source).map((pair) => [...iterate(pair)] as unknown as readonly [Value, Value])
  return new Dict([...entries, ...named])
}
