import type { Random } from '../../../common/random.ts'
import { rational } from '../../terms/rational.ts'
import { anyNumber, areDifferent, nearNumber, type Written, writeNumber } from './numbers.ts'

type Pair = readonly [gold: string, answer: string]

/** Two different numbers. */
export function numbers(random: Random): Pair {
  for (;;) {
    const x = anyNumber(random)
    const [gold, answer] = [writeNumber(x, random), writeNumber(nearNumber(x, random), random)]
    if (areDifferent(gold, answer)) return [gold.text, answer.text]
  }
}

const CHANGES =
  'lakh|crore|score|grand|dozen|hundred|thousand|million|billion|trillion|quadrillion|septillion|thirds|sevenths|twelfths|elevenths|twentieths|hundredths|half|squared|cubed|prime|factorial|below|below zero|overdrawn|short|in debt|owed|negative|minus|less|more|percent of x|千|百|万|亿|兆|成|折|倍|半|mod 2|!|^2|_3|e3|x|\\%\\%|or so|/0|·0'.split(
    '|',
  )
const SYLLABLES = 'bla zor qui mep tro fli gan dre vok pli'.split(' ')

/** A number, and the number with a word or sign after it that changes it or is not known. */
export function changed(random: Random): Pair {
  const n = random.int(3, 99)
  const unknown = `${random.pick(SYLLABLES)}${random.pick(SYLLABLES)}${random.pick(['t', 'k', 'n', 'm'])}`
  const change = random.int(0, 3) === 0 ? unknown : random.pick(CHANGES)
  return [`${n}`, `${n}${/^[!^_e/·]|^\p{Script=Han}/u.test(change) ? '' : ' '}${change}`]
}

/** Midnight and noon are the hours that are easily exchanged. */
const minutes = (random: Random) =>
  random.int(0, 2) === 0 ? random.pick([0, 720]) + random.int(0, 59) : random.int(0, 24 * 60 - 1)
function clock(t: number, random: Random): string {
  const [h, m] = [Math.floor(t / 60), String(t % 60).padStart(2, '0')]
  const half = h < 12 ? 'AM' : 'PM'
  const forms = [
    `${h % 12 || 12}:${m} ${half}`,
    `${h % 12 || 12}:${m}${half.toLowerCase()}`,
    `${h % 12 || 12}:${m} ${half === 'AM' ? 'a.m.' : 'p.m.'}`,
  ]
  if (m === '00') forms.push(`${h % 12 || 12} ${half}`)
  if (h > 12 || h === 0) forms.push(`${h}:${m}`, `${String(h).padStart(2, '0')}:${m}`)
  return random.pick(forms)
}

/** Two times of day. */
export function times(random: Random): Pair {
  for (;;) {
    const t = random.int(0, 3) === 0 ? 60 * random.int(0, 23) : minutes(random)
    const other = random.pick([t + 720, t + 60, t + 1, t - 1, t + 10, minutes(random), 1440 - t]) % 1440
    if (other !== t && other >= 0) return [clock(t, random), clock(other, random)]
  }
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
function date([y, m, d]: readonly number[], random: Random): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return random.pick([
    `${MONTHS[m! - 1]} ${d}, ${y}`,
    `${d} ${MONTHS[m! - 1]} ${y}`,
    `${MONTHS[m! - 1]!.slice(0, 3)} ${d}, ${y}`,
    `${y}-${two(m!)}-${two(d!)}`,
  ])
}

/** Two dates. */
export function dates(random: Random): Pair {
  const x = [random.int(1950, 2040), random.int(1, 12), random.int(1, 28)]
  const k = random.int(0, 2)
  const y = x.map((part, j) => (j === k ? (part % (j === 0 ? 9999 : j === 1 ? 12 : 28)) + 1 : part))
  return [date(x, random), date(y, random)]
}

type Collection = { readonly items: readonly Written[]; readonly open: string; readonly close: string }
const CLOSED: readonly (readonly [string, string])[] = [
  ['[', ']'],
  ['(', ']'],
  ['[', ')'],
]
const SHAPES: readonly (readonly [string, string])[] = [['\\{', '\\}'], ['(', ')'], ['', ''], ...CLOSED]

function collection(random: Random): Collection {
  const [open, close] = random.pick(SHAPES)
  const interval = open + close !== '\\{\\}' && open + close !== '()' && open !== ''
  const count = interval ? 2 : random.int(2, 4)
  const numbers: number[] = []
  while (numbers.length < count) {
    const n = random.int(-20, 30)
    if (!numbers.includes(n)) numbers.push(n)
  }
  if (interval) numbers.sort((a, b) => a - b)
  return { open, close, items: numbers.map((n) => plainNumber(n, random)) }
}

function plainNumber(n: number, random: Random): Written {
  for (;;) {
    const written = writeNumber(rational(BigInt(n)), random)
    if (!written.percent && /^[-−]? ?\d+$/.test(written.text)) return written
  }
}

const show = ({ items, open, close }: Collection, random: Random) =>
  open + items.map(({ text }) => text).join(random.pick([', ', ',', ' , ', ',\\ '])) + close

/** Two collections: another item, one more or one fewer, another order of a tuple, another end of an interval. */
export function collections(random: Random): Pair {
  for (;;) {
    const x = collection(random)
    const k = random.int(0, x.items.length - 1)
    const other = (n: Written) => plainNumber(Number(n.shown.n) + random.pick([-7, -1, 1, 10, 90]), random)
    const ordered = x.open === '('
    const isInterval = CLOSED.some(([open, close]) => x.open === open && x.close === close)
    const variants: (() => Collection | null)[] = [
      () => ({ ...x, items: x.items.map((item, j) => (j === k ? other(item) : item)) }),
      () => (isInterval ? null : { ...x, items: [...x.items, plainNumber(random.int(31, 60), random)] }),
      () => (isInterval || x.items.length < 3 ? null : { ...x, items: x.items.slice(1) }),
      () => (ordered || isInterval ? { ...x, items: [...x.items].reverse() } : null),
      () => {
        if (!isInterval) return null
        const [open, close] = random.pick(CLOSED.filter(([o, c]) => o !== x.open || c !== x.close))
        return { ...x, open, close }
      },
    ]
    const y = random.pick(variants)()
    if (y && keyOf(x) !== keyOf(y)) return [show(x, random), show(y, random)]
  }
}

function keyOf({ items, open, close }: Collection): string {
  const shown = items.map(({ shown }) => String(shown.n))
  if (open === '' || open === '\\{') return [...new Set(shown)].sort().join()
  return open + shown.join() + close
}

const WORDS =
  'Tuesday|Wednesday|Sunday|Paris|London|Evelyn|Carla|red|blue|green|even|odd|north|south|circle|ellipse|parabola|increasing|decreasing|always|never|sometimes|acute|obtuse|right|isosceles|equilateral|prime|composite|continuous|yes|no|true|false|none|two pairs|no solution|正确|错误|星期二|星期三|红色|蓝色|偶数|奇数|Section 1.2|Section 12|Section 1.20|room 3B|room 3b|vitamin B12|vitamin B6|CO|Co|pH 7.4|pH 74|pH 7,4'.split(
    '|',
  )
/** Words that a reader may take for the same. */
const ALIKE = [/^(?:no|false|never|none|no solution|错误)$/i, /^(?:yes|true|always|正确|right)$/i]

/** Two texts. */
export function words(random: Random): Pair {
  for (;;) {
    const [x, y] = [random.pick(WORDS), random.pick(WORDS)]
    if (x === y || ALIKE.some((alike) => alike.test(x) && alike.test(y))) continue
    return [x, random.int(0, 3) === 0 ? `\\text{${y}}` : y]
  }
}

/** Two choices of a question. */
export function choices(random: Random): Pair {
  const letters = 'ABCDE'
  const x = random.int(0, 4)
  const y = (x + random.int(1, 4)) % 5
  const write = (k: number) =>
    random.pick([letters[k]!, `(${letters[k]})`, `${letters[k]}.`, `\\text{(${letters[k]})}`])
  return [write(x), write(y)]
}

const VARIABLES = 'x y t n a b k m p q r u v z R V N X T'.split(' ')

function polynomial(coefficients: readonly number[], name: string, random: Random): string {
  const terms = coefficients.flatMap((c, k) => {
    if (c === 0) return []
    const power = k === 0 ? '' : k === 1 ? name : random.pick([`${name}^${k}`, `${name}^{${k}}`])
    const size = Math.abs(c) === 1 && k > 0 ? '' : `${Math.abs(c)}`
    return [
      [
        c < 0 ? '-' : '+',
        size && power ? random.pick([size, `${size}\\cdot `, `${size}*`]) + power : size + power,
      ],
    ]
  })
  const ordered = random.int(0, 1) === 0 ? terms.reverse() : terms
  const joined = ordered.map(([sign, term]) => random.pick([`${sign}${term}`, ` ${sign} ${term}`])).join('')
  return joined.replace(/^ ?\+ ?/, '').trim() || '0'
}

/** Two polynomials, or equations and inequalities of an unknown: another coefficient, name, case or sign of relation. */
export function formulas(random: Random): Pair {
  const x = random.pick(VARIABLES)
  const another = random.pick(VARIABLES.filter((v) => v !== x))
  const coefficients = Array.from({ length: random.int(2, 4) }, () => random.int(-9, 9))
  coefficients[coefficients.length - 1] ||= 3
  const k = random.int(0, coefficients.length - 1)
  const near = coefficients.map((c, j) => (j === k ? c + random.pick([-2, 1, 10]) : c))
  const [c, d] = [random.int(-30, 30), random.int(31, 60)]
  const op = random.pick(['<', '>', '\\le ', '\\ge '])
  switch (random.int(0, 8)) {
    case 0:
      return [polynomial(coefficients, x, random), polynomial(coefficients, another, random)]
    case 1:
      return [`${x}${op}${c}`, `${another}${op}${c}`]
    case 2:
      return [
        `${x}${op}${c}`,
        `${x}${random.pick(['<', '>', '\\le ', '\\ge ', '='].filter((o) => o !== op))}${c}`,
      ]
    case 3:
      return [`${x}${op}${c}`, `${x}${op}${d}`]
    case 4:
      return [
        `${c}<${x}<${d}`,
        random.pick([`${c}<${another}<${d}`, `${c}\\le ${x}<${d}`, `${x}<${d}`, `[${c},${d})`]),
      ]
    case 5:
      return [
        `${x}=${c}, ${x}=${d}`,
        random.pick([`${x}=${c}, ${another}=${d}`, `${x}=${d}`, `${x}=${c}, ${x}=${d + 1}`]),
      ]
    case 6: {
      const b = random.int(1, 9)
      const z = `${c}+${b}i`
      const wrong = [`\\overline{${z}}`, `${c}-${b}i`, `${c}+${b}`, `\\frac{1}{${z}}`]
      if (c !== b) wrong.push(`${b}+${c}i`)
      return [z, random.pick(wrong)]
    }
    case 7: {
      const m = random.int(2, 29)
      return [`${d}`, random.pick([`${d} mod ${m}`, `${d} \\bmod ${m}`, `${d} \\pmod{${m}}`])]
    }
    default:
      return [polynomial(coefficients, x, random), polynomial(near, x, random)]
  }
}

/** A decimal, and a longer decimal or number that rounds to it but is not shown to be the exact number. */
export function rounded(random: Random): Pair {
  const decimals = random.int(1, 3)
  const unit = 10 ** decimals
  const n = random.int(11, 9999)
  // The next two digits are no end of a repeating decimal, nor nearly zero.
  const more = random.pick([13, 21, 28, 36, 41, 47])
  const below = random.int(0, 1) === 0
  const digits = below ? n * 100 - more : n * 100 + more
  const answer = digits / unit / 100
  // The digits of a multiple of π count as that multiple, which a rounded gold accepts.
  const part = Math.PI / 12
  if (Math.abs(answer - Math.round(answer / part) * part) < 0.5 / unit / 100) return rounded(random)
  return [(n / unit).toFixed(decimals), answer.toFixed(decimals + 2)]
}

/** A sentence with the answer and another number. */
export function sentences(random: Random): Pair {
  const x = random.int(3, 60)
  const y = x + random.int(1, 60)
  return random.pick<Pair>([
    [`${x}`, `The answer is ${y} and the remainder is ${x}.`],
    [`${x}`, `The final answer is ${y}, the other root is ${x}.`],
    [`${x}`, `${x} if n is even, ${y} if n is odd`],
    [`${y}`, `${x} if n is even, ${y} if n is odd`],
    [`${y}`, `Hence, ${x} students passed out of ${y}.`],
    [`${y}`, `So ${x} of the ${y} balls are red.`],
    [`${y}`, `Therefore ${x} is less than ${y}.`],
    [`${x}`, `The answer is ${y}, not ${x}.`],
    [`${x}`, `The answer is not ${x}.`],
    [`${x}`, `It is not ${x} but ${y}.`],
    [`${x}`, `\\boxed{${x}} is wrong. \\boxed{${y}}`],
    [`${x}`, `I first had \\boxed{${x}}, but it is \\boxed{${y}}.`],
    [`${x}`, `The answer is ${x} or ${y}.`],
    [`${x}`, `The answer is between ${x} and ${y}.`],
    [`${x}`, `The answer is more than ${x}.`],
    [`${x}`, `The answer is at least ${x}.`],
    [`${x}`, `about ${x} or ${y}`],
    [`${x}`, `The answer is ${x}/${y}.`],
    [`${x}`, `<think>${x}</think> The answer is ${y}.`],
  ])
}

const NOUNS =
  'cups|cm|degrees|girls|dollars each|times as large|out of 10|square feet|orders|\\text{ cents}|\\text{ percent}|inches|billion|ways|cups of tea|个苹果|厘米'.split(
    '|',
  )
const NAMES = 'Section |radius |pH |x equals |Room |$'.split('|')

/** Chemical formulas that have the same letters, pieces of formulas that only look alike. */
export function lookalikes(random: Random): Pair {
  const n = random.int(3, 9)
  const m = n + random.int(1, 5)
  const v = random.pick(VARIABLES)
  const [noun, name] = [random.pick(NOUNS), random.pick(NAMES)]
  const point = random.pick(['.', '.', ',', ' ', ':', '_', '/', '. '])
  return random.pick<Pair>([
    [`${n}.${m} ${noun}`, `${n}${m} ${noun}`],
    [`${n}.${m} ${noun}`, `${n}${m} ${noun}`],
    [`${n}${m} ${noun}`, `${n}${point}${m} ${noun}`],
    [`${name}${n}.${m}`, `${name}${n}${m}`],
    [`${n} ${noun}`, `${n}! ${noun}`],
    [`C${n}H${m}`, `C${m}H${n}`],
    [`N${n}O${m}`, `N${m}O${n}`],
    [`H${n}SO${m}`, `H${m}SO${n}`],
    [`\\frac{dy}{d${v === 'y' ? 'x' : v}}=${n}`, `\\frac{y}{${v === 'y' ? 'x' : v}}=${n}`],
    [`\\lfloor ${n}${v}\\rfloor`, `\\lceil ${n}${v}\\rceil-1`],
    [`${v}^{st}`, v],
    [`${v}_${n}`, `${v}${n}`],
    [`\\log_${n} ${m}`, `\\log ${n}${m}`],
    [`\\sin ${n}${v}`, `\\sin ${m}${v}`],
    [`${n}${v.toLowerCase()}`, `${n}${v.toUpperCase()}`],
    [`\\sqrt{${n}}${v}`, `\\sqrt{${n}${v}}`],
    [`${n}!`, `${n}`],
    [`\\binom{${m}}{${n}}`, `\\frac{${m}}{${n}}`],
    [
      `\\begin{cases}${n}&${v}>0\\\\${m}&${v}\\le0\\end{cases}`,
      `\\begin{cases}${m}&${v}>0\\\\${n}&${v}\\le0\\end{cases}`,
    ],
    [
      `\\begin{cases}${v}&${v}\\ge ${n}\\\\${m}&${v}<${n}\\end{cases}`,
      `\\begin{cases}${v}&${v}> ${n}\\\\${m}&${v}\\le ${n}\\end{cases}`,
    ],
    [`\\begin{pmatrix}${n}&${m}\\\\0&1\\end{pmatrix}`, `\\begin{pmatrix}${m}&${n}\\\\0&1\\end{pmatrix}`],
    [`${n}:${m}`, `${m}:${n}`],
    [`${n}:${m} girls to boys`, `${n}${m} girls to boys`],
    [`${n}^{${m}}`, `${n}${m}`],
    [`${n}a`, `1${n}a`],
    [`${n}p`, `${n}P`],
    [`${n}\\frac{1}{${m}}`, `\\frac{${n}}{${m}}`],
  ])
}

/** A right answer with a second one beside it. */
export function hedged(random: Random): Pair {
  const [x, y] = random.pick<() => Pair>([
    () => {
      const a = rational(BigInt(random.int(2, 500)))
      const b = rational(BigInt(random.int(501, 999)))
      return [String(a.n), String(b.n)]
    },
    () => [random.pick(['yes', 'Yes']), random.pick(['no', 'No'])],
    () => ['A', random.pick(['B', 'C', 'D'])],
    () => [`\\frac{1}{${random.int(2, 9)}}`, `\\frac{2}{${random.pick([11, 13, 17])}}`],
    () => [`x=${random.int(2, 9)}`, `x=${random.int(10, 19)}`],
  ])()
  const gap = random.pick([' ', '\n', '\t', ' \n ', '\\quad ']).repeat(random.int(1, 250))
  const joiner = random.pick([' or ', ', ', ' and ', ' / ', '; ', ' or maybe ', gap, `${gap}or `, `,${gap}`])
  const both = random.int(0, 1) === 0 ? `${x}${joiner}${y}` : `${y}${joiner}${x}`
  return [
    x,
    random.pick([both, `\\boxed{${both}}`, `<answer>${both}</answer>`, `#### ${both.replace(/\n/g, ' ')}`]),
  ]
}
