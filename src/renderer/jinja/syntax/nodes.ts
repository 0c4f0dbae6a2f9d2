import type { Value } from '../values.ts'

export interface CallArguments {
  readonly positional: readonly Expression[]
  readonly named: readonly (readonly [string, Expression])[]
  /** `*list` and `**mapping`. */
  readonly spread: Expression | null
  readonly namedSpread: Expression | null
}

export interface NamedCall {
  readonly name: string
  readonly args: CallArguments
}

export type Expression =
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'tuple' | 'concat'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression }
  | { readonly kind: 'slice'; readonly bounds: readonly (Expression | null)[] }
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: CallArguments }
  | ({ readonly kind: 'filter'; readonly operand: Expression } & NamedCall)
  | ({ readonly kind: 'test'; readonly operand: Expression } & NamedCall)
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: string
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'comparison'
      readonly first: Expression
      readonly rest: readonly (readonly [operator: string, Expression])[]
    }
  | {
      readonly kind: 'conditional'
      readonly test: Expression
      readonly value: Expression
      readonly otherwise: Expression | null
    }

/** Where an assignment goes: a name, an attribute of a namespace, or several of them. */
export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'namespace'; readonly name: string; readonly attribute: string }
  | { readonly kind: 'tuple'; readonly items: readonly Target[] }

/** What a macro or a call block takes, and which of Jinja's special variables its body reads. */
export interface Signature {
  readonly parameters: readonly { readonly name: string; readonly default: Expression | null }[]
  readonly body: Body
  readonly reads: ReadonlySet<string>
}

export type Body = readonly Statement[]

export type Statement = { readonly line: number } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly expression: Expression }
  | { readonly kind: 'if'; readonly test: Expression; readonly body: Body; readonly otherwise: Body }
  | {
      readonly kind: 'for'
      readonly target: Target
      readonly iterable: Expression
      readonly test: Expression | null
      readonly recursive: boolean
      readonly body: Body
      readonly otherwise: Body
    }
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'set block'
      readonly target: Target
      readonly filters: readonly NamedCall[]
      readonly body: Body
    }
  | {
      readonly kind: 'with'
      readonly targets: readonly (readonly [Target, Expression])[]
      readonly body: Body
    }
  | ({ readonly kind: 'macro'; readonly name: string } & Signature)
  | ({ readonly kind: 'call'; readonly callee: Expression; readonly args: CallArguments } & Signature)
  | { readonly kind: 'filter'; readonly filters: readonly NamedCall[]; readonly body: Body }
  | { readonly kind: 'generation' | 'block'; readonly body: Body }
  | { readonly kind: 'break' | 'continue' }
)
