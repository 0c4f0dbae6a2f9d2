import { NotNumber } from '../compute/evaluate.ts'
import { isExact } from '../compute/numerics.ts'
import { TooLarge, Undefined } from '../terms/budget.ts'
import { type Expression, exactNumber, mapChildren, some, symbolsOf } from '../terms/expression.ts'
import { expanded } from './ellipsis.ts'
import { sameFamily } from './families.ts'
import { otherConstants, sameFunctionName } from './functions.ts'
import { type Rows, rowsOf } from './matrix.ts'
import { sameMeasure } from './measure.ts'
import { samePiecewise } from './piecewise.ts'
import {
  boundsOf,
  cellsOf,
  infinite,
  intervalsOf,
  isSurelyRegion,
  listedUnion,
  type Region,
  regionOf,
  unknownsOf,
} from './region.ts'
import {
  type Assignment,
  assignmentOf,
  difference,
  isName,
  parameters,
  renamed,
  solvedFor,
  spell,
} from './relation.ts'
import type { Scalars } from './scalar.ts'
import { unitColumn } from './vectors.ts'

const MAX_ITEMS = 120
const MAX_BOUNDS = 40

/** Whether the answer means the same as the gold. @throws TooLarge, Undefined */
export function sameMeaning(gold: Expression, answer: Expression, scalars: Scalars): boolean {
  const same = (g: Expression, a: Expression): boolean => sameMeaning(g, a, scalars)
  const family = sameFamily(gold, answer, scalars)
  if (family !== null) return family
  let g = normalised(expanded(gold, scalars))
  let a = normalised(expanded(answer, scalars))
  // (0, 3), (5, 8) for (0, 3) ∪ (5, 8)
  if (g.kind === 'sets') a = listedUnion(a) ?? a
  else if (a.kind === 'sets') g = listedUnion(g) ?? g
  const [gItems, aItems] = [itemsOf(g), itemsOf(a)]
  if (isSurelyRegion(g) || isSurelyRegion(a)) {
    const [gRegion, aRegion] = [regionOf(g), regionOf(a)]
    if (gRegion && aRegion) {
      if (otherUnknowns(g, a)) return false
      const regions = sameRegion(gRegion, aRegion, scalars)
      if (regions !== null) return regions
    }
  }
  if (g.kind === 'modulo' || a.kind === 'modulo') {
    if (g.kind === 'modulo' && a.kind === 'modulo')
      return same(g.modulus, a.modulus) && same(residue(g, scalars) ?? g.x, residue(a, scalars) ?? a.x)
    // 12 (mod 13) is 12 and 17 mod 5 is 2, but x = 12 is not x ≡ 12 (mod 13).
    const number = (e: Expression) => (e.kind === 'modulo' ? residue(e, scalars) : e)
    const [x, y] = [number(g), number(a)]
    const isClass = (e: Expression) => e.kind === 'relation'
    return x !== null && y !== null && !(isClass(x) && isClass(y)) && same(x, y)
  }
  if (g.kind === 'piecewise' || a.kind === 'piecewise') return samePiecewise(g, a, scalars, same)
  if (gItems || aItems) return sameItems(gItems ?? [g], aItems ?? [a], g, a, scalars)
  const rows = sameRows(g, a, scalars)
  if (rows !== null) return rows
  if (g.kind === 'relation' || a.kind === 'relation') return sameRelation(g, a, scalars)
  if (g.kind === 'group' || a.kind === 'group') return sameGroup(g, a, scalars)
  if (isRatio(g) || isRatio(a)) {
    if (!isRatio(g) || !isRatio(a) || g.args.length !== a.args.length) return false
    // 1:2:3 = 2:4:6
    return g.args.every((x, k) =>
      same(
        { kind: 'product', factors: [x, a.args[0]!] },
        { kind: 'product', factors: [a.args[k]!, g.args[0]!] },
      ),
    )
  }
  if (g.kind === 'text' || a.kind === 'text') return g.kind === a.kind && spell(g) === spell(a)
  const [gSize, aSize] = [infinite(g), infinite(a)]
  if (gSize || aSize) return gSize === aSize
  if (spell(g) === spell(a)) return defined(g, scalars)
  if (some(g, hasNumbers) || some(a, hasNumbers)) return g.kind === a.kind && sameParts(g, a, scalars)
  if (/^(?:sets|numbers|builder)$/.test(g.kind) || /^(?:sets|numbers|builder)$/.test(a.kind))
    return g.kind === a.kind && sameParts(g, a, scalars)
  const constants = otherConstants(g, a)
  if (constants.length > 0) return constants.some((names) => sameMeasure(g, renamed(a, names), scalars))
  return sameMeasure(g, a, scalars)
}

/** The remainder of a number, or x ≡ r for x ≡ a (mod m); `null` if it cannot be computed. */
function residue(e: Extract<Expression, { kind: 'modulo' }>, scalars: Scalars): Expression | null {
  const value = e.x.kind === 'relation' ? e.x.sides.at(-1)! : e.x
  try {
    const { re } = scalars.value({ ...e, x: value })
    const rest = isExact(re) ? exactNumber(re) : null
    return rest && e.x.kind === 'relation' ? { ...e.x, sides: [...e.x.sides.slice(0, -1), rest] } : rest
  } catch (error) {
    if (error instanceof NotNumber) return null
    throw error
  }
}

/** A set of numbers in a larger expression, such as ℤ/3ℤ. */
const hasNumbers = (e: Expression) => e.kind === 'numbers'

/** False for a number that cannot be computed: it does not even equal itself. */
function defined(e: Expression, scalars: Scalars): boolean {
  if (some(e, hasNumbers)) return true
  if (!some(e, (x) => x.kind === 'quotient' || x.kind === 'call' || x.kind === 'power')) return true
  return scalars.same(e, e) !== false
}

/** Whether both are inequalities, in different unknowns: x > 3 and t > 3. */
function otherUnknowns(g: Expression, a: Expression): boolean {
  const names = (e: Expression): string[] =>
    e.kind === 'list' ? e.items.flatMap(names) : e.kind === 'relation' ? unknownsOf(e).map(spell) : []
  const [x, y] = [new Set(names(g)), new Set(names(a))]
  return x.size > 0 && y.size > 0 && ![...x].every((name) => y.has(name))
}

const isBraced = (e: Expression) => e.kind === 'group' && e.open === '{'

/** Writes ± as two values, and removes braces and lists around a single item. */
function normalised(e: Expression): Expression {
  if (e.kind === 'list' && e.items.length === 1) return normalised(e.items[0]!)
  if (e.kind === 'group' && e.items.length === 1 && !(isBraced(e) && isBraced(e.items[0]!)))
    return normalised(e.items[0]!)
  if (e.kind === 'list' || e.kind === 'group' || e.kind === 'matrix' || e.kind === 'builder') return e
  if (e.kind === 'relation' && e.sides.some((x) => x.kind === 'group' && x.open === '{')) return e
  if (!some(e, (x) => x.kind === 'either')) return e
  return { kind: 'list', items: [signed(e, false), signed(e, true)], joiner: 'or' }
}

/** The expression with every ± replaced by + and every ∓ by −, or the other way round if `lower`. */
function signed(e: Expression, lower: boolean): Expression {
  if (e.kind !== 'either') return mapChildren(e, (x) => signed(x, lower))
  const x = signed(e.x, lower)
  return e.lower !== lower ? { kind: 'negative', x } : x
}

/** The items of a list or a set, with ± and nested lists expanded; `null` if it is neither. */
function itemsOf(e: Expression): readonly Expression[] | null {
  if (e.kind === 'list' || (e.kind === 'group' && e.open === '{'))
    return e.items.flatMap((x) => {
      // {1, {2}} is not {1, 2}.
      const item = x.kind === 'modulo' || (isBraced(e) && isBraced(x)) ? x : normalised(x)
      return (item.kind === 'list' ? itemsOf(item) : null) ?? [item]
    })
  // x ∈ {1, 2} and x = {1, 2}
  if (e.kind === 'relation' && e.sides.length === 2 && (e.relations[0] === 'in' || e.relations[0] === '=')) {
    const [name, value] = e.sides as [Expression, Expression]
    if (isName(name) && (value.kind === 'list' || (value.kind === 'group' && value.open === '{')))
      return itemsOf(value)
  }
  return null
}

/** A tuple as a column matrix. */
function column(e: Expression): readonly (readonly Expression[])[] | null {
  const value = e.kind === 'relation' ? assignmentOf(e)?.value : e
  if (value && value !== e) return rowsOf(value) ?? column(value)
  return e.kind === 'group' && e.open !== '{' && e.items.length > 1 ? e.items.map((x) => [x]) : null
}

/** Whether two matrices or vectors are equal; `null` if neither is a matrix, or a tuple beside a sum of unit vectors. */
function sameRows(g: Expression, a: Expression, scalars: Scalars): boolean | null {
  const [gRows, aRows] = [rowsOf(g), rowsOf(a)]
  const [gColumn, aColumn] = [gRows ?? column(g), aRows ?? column(a)]
  const isColumn = (rows: Rows | null): rows is Rows => rows?.every((row) => row.length === 1) ?? false
  const x = gColumn ?? (isColumn(aColumn) ? unitColumn(bareValue(g), aColumn.length, scalars) : null)
  const y = aColumn ?? (isColumn(gColumn) ? unitColumn(bareValue(a), gColumn.length, scalars) : null)
  if (!gRows && !aRows && (!x || !y || (gColumn && aColumn))) return null
  const single = (rows: Rows | null) => (rows?.length === 1 && rows[0]!.length === 1 ? rows[0]![0]! : null)
  // A matrix with one entry is a number.
  const [gEntry, aEntry] = [single(gRows), single(aRows)]
  if ((gEntry && !y) || (aEntry && !x)) return sameMeaning(gEntry ?? g, aEntry ?? a, scalars)
  if (!x || !y) return false
  // A tuple is a column or a row.
  const turned = (rows: Rows, other: Rows, own: Rows | null) =>
    own === null && other.length === 1 && isColumn(rows) ? [rows.map((row) => row[0]!)] : rows
  const [p, q] = [turned(x, y, gRows), turned(y, x, aRows)]
  return (
    p.length === q.length &&
    p.every(
      (row, r) =>
        row.length === q[r]!.length && row.every((cell, k) => sameMeaning(cell, q[r]![k]!, scalars)),
    )
  )
}

const bareValue = (e: Expression) => assignmentOf(e)?.value ?? e

type Ratio = Extract<Expression, { kind: 'call' }>
const isRatio = (e: Expression): e is Ratio => e.kind === 'call' && e.name === 'ratio'

function sameItems(
  gold: readonly Expression[],
  answer: readonly Expression[],
  g: Expression,
  a: Expression,
  scalars: Scalars,
): boolean {
  const isSet = (e: Expression) => (e.kind === 'group' && e.open === '{') || e.kind === 'relation'
  if ((hasUnknowns(g) && isOr(a) !== isOr(g)) || (hasUnknowns(a) && isOr(a) !== isOr(g))) return false
  // p or q is not p and q
  const [gJoiner, aJoiner] = [joinerOf(g), joinerOf(a)]
  if (gJoiner && aJoiner && gJoiner !== aJoiner && gold.every((x) => x.kind === 'symbol')) return false
  const [gRecords, aRecords] = [records(gold), records(answer)]
  // x = 3, y = 1 against (3, 1) or (x, y) = (3, 1)
  if (gRecords || aRecords) {
    const [x, y] = [gRecords ?? tuples(gold), aRecords ?? tuples(answer)]
    const width = gRecords?.[0]?.length ?? aRecords?.[0]?.length
    if (x && y && !(gRecords && aRecords) && x.every((t) => t.length === width)) {
      const group = (t: readonly Assignment[]): Expression =>
        t.length === 1 ? t[0]!.value : { kind: 'group', open: '(', close: ')', items: t.map((z) => z.value) }
      const alphabetic = (t: readonly Assignment[]) =>
        [...t].sort((p, q) => (spell(p.name) < spell(q.name) ? -1 : 1))
      return (
        matches(x.map(group), y.map(group), scalars) ||
        matches(x.map(alphabetic).map(group), y.map(alphabetic).map(group), scalars)
      )
    }
  }
  const [x, y] = [unnamed(gold, answer), unnamed(answer, gold)]
  if (isSet(g) || isSet(a)) return matches(distinct(x), distinct(y), scalars)
  const tuple = (e: Expression) => e.kind === 'group' && e.open === '(' && e.items.length > 1
  // (1, 3) against 1, 3: in this order
  if (tuple(g) && answer.length > 1 && !answer.some(tuple))
    return sameGroup(g, { kind: 'group', open: '(', close: ')', items: answer }, scalars)
  if (tuple(a) && gold.length > 1 && !gold.some(tuple))
    return sameGroup({ kind: 'group', open: '(', close: ')', items: gold }, a, scalars)
  // An answer may repeat an item that the gold has once.
  return distinct(x).length === x.length ? matches(x, distinct(y), scalars) : matches(x, y, scalars)
}

/** The word that joins the items of a list; `null` for a comma. */
const joinerOf = (e: Expression) => (e.kind === 'list' && e.joiner !== ',' ? e.joiner : null)
const isOr = (e: Expression) => joinerOf(e) === 'or'

/** x = 1, y = 2: one value for each of several unknowns, so that "and" and "or" make a difference. */
function hasUnknowns(e: Expression): boolean {
  if (e.kind !== 'list') return false
  const names = e.items.map(assignmentOf).flatMap((x) => (x ? [spell(x.name)] : []))
  return names.length > 1 && new Set(names).size === names.length
}

/** Named values in groups in which the same names return: x = 1, y = 2; x = 3, y = 4. */
function records(items: readonly Expression[]): Assignment[][] | null {
  const all = items.map(assignmentOf)
  if (all.length < 2 || all.some((x) => x === null || x.name.kind === 'group')) return null
  const named = all as Assignment[]
  const names = named.map((x) => spell(x.name))
  let width = names.indexOf(names[0]!, 1)
  if (width < 0) width = names.length
  if (width < 2 || names.length % width !== 0 || names.some((x, k) => x !== names[k % width])) return null
  return Array.from({ length: names.length / width }, (_, k) => named.slice(k * width, (k + 1) * width))
}

/** Tuples, or the items of a single tuple, as records without names. */
function tuples(items: readonly Expression[]): Assignment[][] | null {
  const nameless = (values: readonly Expression[]): Assignment[] =>
    values.map((value) => ({ name: { kind: 'text', words: '' }, value }))
  const named = items.map(assignmentOf)
  // x = 1, x = 2 are no values of x and y.
  if (items.length > 1 && named.every((x) => x !== null && x.name.kind !== 'group')) return null
  const bare = items.map((x, k) => named[k]?.value ?? x)
  const groups = bare.map((x) =>
    x.kind === 'group' && x.open !== '{' && x.items.length > 1 ? x.items : null,
  )
  if (groups.every((x) => x !== null)) return groups.map(nameless)
  return [nameless(bare)]
}

/** The items without names, if these add nothing: there is a single unknown, or the other side has no names. */
function unnamed(items: readonly Expression[], others: readonly Expression[]): readonly Expression[] {
  const named = items.map(assignmentOf)
  const names = new Set(named.map((x) => x && spell(x.name)))
  const othersNamed = others.length > 1 && others.every((x) => assignmentOf(x) !== null)
  if (named.every((x) => x !== null) && othersNamed && items.length > 1) return items
  if (names.size > 2 && othersNamed) return items
  return items
    .map((x, k) => named[k]?.value ?? x)
    .flatMap((x) => (normalised(x).kind === 'list' ? itemsOf(normalised(x))! : [x]))
}

function distinct(items: readonly Expression[]): readonly Expression[] {
  const seen = new Set<string>()
  return items.filter((x) => !seen.has(spell(x)) && seen.add(spell(x)))
}

/** Whether two lists have the same items, in any order. */
function matches(gold: readonly Expression[], answer: readonly Expression[], scalars: Scalars): boolean {
  if (gold.length !== answer.length) return false
  if (gold.length > MAX_ITEMS) throw new TooLarge('a list')
  const left = [...answer]
  for (const g of gold) {
    const key = spell(g)
    let at = left.findIndex((a) => spell(a) === key)
    if (at < 0) at = left.findIndex((a) => isBraced(g) === isBraced(a) && sameMeaning(g, a, scalars))
    if (at < 0) return false
    left.splice(at, 1)
  }
  return true
}

function sameGroup(g: Expression, a: Expression, scalars: Scalars): boolean {
  if (g.kind !== 'group' || a.kind !== 'group') return false
  if (g.items.length !== a.items.length || (g.open === '{') !== (a.open === '{')) return false
  const round = (e: typeof g) => e.open === '<' || (e.open === '(' && e.close === ')')
  const brackets = (e: typeof g) => (round(e) ? '()' : `${e.open}${e.close}`)
  if (g.items.length === 2 && brackets(g) !== brackets(a)) return false
  return g.items.every((x, k) => sameMeaning(x, a.items[k]!, scalars))
}

function sameParts(g: Expression, a: Expression, scalars: Scalars): boolean {
  const parts = (e: Expression): Expression[] => {
    const found: Expression[] = []
    mapChildren(e, (x) => {
      found.push(x)
      return x
    })
    return found
  }
  const [x, y] = [parts(g), parts(a)]
  if (x.length === 0) return spell(g) === spell(a)
  if (g.kind === 'sets' && a.kind === 'sets' && g.operation !== a.operation) return false
  if (g.kind === 'sets' && g.operation !== 'minus') return matches(x, y, scalars)
  return x.length === y.length && x.every((e, k) => sameMeaning(e, y[k]!, scalars))
}

function sameRelation(g: Expression, a: Expression, scalars: Scalars): boolean {
  const [x, y] = [assignmentOf(g), assignmentOf(a)]
  if (x && y) {
    if (spell(x.name) === spell(y.name)) return sameMeaning(x.value, y.value, scalars)
    if (sameFunction(x, y, scalars)) return true
    if (sameFunctionName(x.name, y.name)) return sameMeaning(x.value, y.value, scalars)
    // f(y) = x is not f(x) = x.
    if (x.name.kind === 'call' && y.name.kind === 'call' && x.name.name === y.name.name) return false
    if (x.name.kind === 'symbol' && y.name.kind === 'symbol' && isConstant(x.value) && isConstant(y.value))
      return false
  } else if (x && a.kind !== 'relation') return sameMeaning(x.value, a, scalars)
  else if (y && g.kind !== 'relation') return sameMeaning(g, y.value, scalars)
  // x − 3 = 0 is solved, 2x = 6 is not.
  const solution = x && !y && a.kind === 'relation' ? solvedFor(a, x.name) : null
  if (x && solution) return sameMeaning(x.value, solution, scalars)
  if (x && !y && x.name.kind === 'symbol' && isConstant(x.value)) return false
  // The last side of a gold such as 2 + 3 = 5 is its value.
  const value = isCalculation(g) ? g.sides.at(-1)! : g
  if (value.kind !== 'relation') {
    if (a.kind !== 'relation') return sameMeaning(value, a, scalars)
    const asked = valuesOf(a)
    if (asked && isConstant(value)) return asked.every((x) => sameMeaning(value, x, scalars))
    // 5 + 6 = 11: every side must equal the gold.
    return isCalculation(a) && (spell(g) === spell(a) || a.sides.every((x) => sameMeaning(value, x, scalars)))
  }
  if (g.kind !== 'relation' || a.kind !== 'relation') return false
  const [p, q] = [difference(g), difference(a)]
  if (p && q) {
    if (p.op !== q.op) return false
    try {
      const sign = scalars.ratio(p.f, q.f)
      if (sign !== null) return sign > 0 || p.op === '=' || p.op === '!='
    } catch (error) {
      if (!(error instanceof NotNumber)) throw error
    }
  }
  // Chains and other relations are compared side by side, in both directions.
  const flip: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' }
  const sides = (e: typeof g) => ({ sides: e.sides, relations: e.relations as readonly string[] })
  const turned = {
    sides: [...a.sides].reverse(),
    relations: [...a.relations]
      .reverse()
      .map((r) => flip[r] ?? (r === '=' || r === '!=' || r === 'equiv' ? r : '')),
  }
  return [sides(a), turned].some(
    (b) =>
      b.relations.length === g.relations.length &&
      b.relations.every((r, k) => r === g.relations[k]) &&
      b.sides.every((side, k) => sameMeaning(g.sides[k]!, side, scalars)),
  )
}

/** Whether all sides of = or ≈ are numbers. */
const isCalculation = (e: Expression): e is Extract<Expression, { kind: 'relation' }> =>
  e.kind === 'relation' && e.relations.every((r) => r === '=' || r === 'approx') && e.sides.every(isConstant)

/** The values in m + n = 73 + 40 = 113, where several unknowns make up what is asked for; `null` for an equation in one unknown. */
function valuesOf({
  sides,
  relations,
}: Extract<Expression, { kind: 'relation' }>): readonly Expression[] | null {
  const [first, ...values] = sides
  const isNamed = relations.every((r) => r === '=') && first !== undefined && symbolsOf(first).size > 1
  return isNamed && values.every(isConstant) ? values : null
}

const isConstant = (e: Expression) => !some(e, (x) => x.kind === 'symbol')

/** Whether two functions are the same up to the names of their parameters: W(n) = 2n and W(x) = 2x. */
function sameFunction(g: Assignment, a: Assignment, scalars: Scalars): boolean {
  const [from, to] = [parameters(a.name), parameters(g.name)]
  if (!from || !to || from.length !== to.length) return false
  // In f(y) = x, the letter x is no parameter.
  const free = symbolsOf(a.value)
  if (to.some((x) => free.has(x) && !from.includes(x))) return false
  const names = new Map(from.map((x, k) => [x, to[k]!]))
  return (
    spell(renamed(a.name, names)) === spell(g.name) && sameMeaning(g.value, renamed(a.value, names), scalars)
  )
}

/** Whether two regions are the same set of numbers; `null` if their bounds cannot be ordered. */
function sameRegion(g: Region, a: Region, scalars: Scalars): boolean | null {
  const sorted: Expression[] = []
  const at = new Map<Expression, number>()
  const bounds = [...boundsOf(g), ...boundsOf(a)]
  if (bounds.length > MAX_BOUNDS) throw new TooLarge('a set')
  try {
    const groups: Expression[][] = []
    for (const bound of bounds) {
      const group = groups.find((x) => sameMeasure(x[0]!, bound, scalars))
      if (group) group.push(bound)
      else {
        const before = groups.findIndex((x) => scalars.order(bound, x[0]!) < 0)
        groups.splice(before < 0 ? groups.length : before, 0, [bound])
      }
    }
    groups.forEach((group, k) => {
      sorted.push(group[0]!)
      for (const bound of group) at.set(bound, k)
    })
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return null
    throw error
  }
  // (3, 1) is a pair, not an interval.
  const turned = ({ lo, hi }: { lo: Expression | null; hi: Expression | null }) =>
    lo && hi && at.get(lo)! > at.get(hi)!
  if ([...intervalsOf(g), ...intervalsOf(a)].some(turned)) return null
  const cells = (r: Region) => cellsOf(r, sorted.length, (bound) => at.get(bound)!)
  const [x, y] = [cells(g), cells(a)]
  return x.every((cell, k) => cell === y[k])
}
