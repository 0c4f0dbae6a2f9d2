import { GREEK_NAMES } from './characters.ts'

/** Plain words that are mathematical names, and the commands that they stand for. */
export const NAMED: ReadonlyMap<string, string> = new Map([
  ...[
    'sin cos tan cot sec csc cis sgn sinh cosh tanh coth arcsin arccos arctan arccot arcsec arccsc ln lg exp sqrt cbrt',
    'gcd lcm max min floor ceil det binom',
  ]
    .join(' ')
    .split(' ')
    .map((name): [string, string] => [name, name]),
  ...[...GREEK_NAMES]
    .filter(
      (name) =>
        name.length > 2 && !['ell', 'hbar', 'nabla', 'eta', 'chi', 'rho', 'tau', 'phi', 'psi'].includes(name),
    )
    .map((name): [string, string] => [name, name]),
  ...Object.entries({
    log: 'log',
    asin: 'arcsin',
    acos: 'arccos',
    atan: 'arctan',
    cosec: 'csc',
    pi: 'pi',
    Pi: 'pi',
    PI: 'pi',
    phi: 'phi',
    inf: 'infty',
    infinity: 'infty',
    Infinity: 'infty',
    infty: 'infty',
    oo: 'infty',
    abs: 'abs',
    Abs: 'abs',
    factorial: 'factorial',
    union: 'cup',
    Union: 'cup',
    intersect: 'cap',
    intersection: 'cap',
    cup: 'cup',
    cap: 'cap',
    emptyset: 'emptyset',
    plus: 'plus',
    minus: 'minus',
    times: 'times',
    equals: 'equals',
    equal: 'equals',
    percent: 'percent',
    pct: 'percent',
    degree: 'degree',
    degrees: 'degree',
    deg: 'degree',
    mod: 'mod',
    leq: 'le',
    geq: 'ge',
    neq: 'ne',
    approx: 'approx',
    frac: 'frac',
    dfrac: 'frac',
    boxed: 'boxed',
  }),
])

/** Words that join the items of a list. */
export const JOINERS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ['and', 'and'],
  ['or', 'or'],
  ['或', 'or'],
  ['或者', 'or'],
  ['和', 'and'],
  ['且', 'and'],
  ['与', 'and'],
  ['及', 'and'],
  ['And', 'and'],
  ['Or', 'or'],
  ['AND', 'and'],
  ['OR', 'or'],
  ['y', 'and'],
  ['oder', 'or'],
  ['und', 'and'],
])

/** Short runs of letters that are words, not products of variables. */
export const SHORT_WORDS = new Set(
  [
    'cm mm km kg mg ml mL dm nm ft yd mi lb lbs oz hr hrs min mins sec secs day days mph kph gal pt qt amp rad ohm mol',
    'per ms Hz kHz MHz kW kN kJ eV Pa kPa USD EUR GBP RMB dollar cent bpm rpm sq cu ton tons yr yrs wk wks hour am pm AM PM th st nd rd',
    'Mr Mrs the is of to if for an no yes all are not any one two six ten men boy set sum day way new it in on at as by',
    'be we so No Yes NO YES The It If So In We odd red big box toy cat dog man pen car bus egg end top low DNE dne NaN',
    'nan One Two Six Ten Sun Mon Tue Wed Thu Fri Sat Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec',
  ]
    .join(' ')
    .split(' '),
)
