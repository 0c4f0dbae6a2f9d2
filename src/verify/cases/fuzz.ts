import type { Random } from '../../common/random.ts'
import { r } from './row.ts'

const PIECES = [
  ...'0123456789abcexyzABCDi+-*/^_=<>(){}[]|!.,;:%$&~ \\\'"#@?',
  ...'−×÷·√π∞≤≥≠±∪∈°½²³₁ẋ５\u200b\u202e\u0000\n\t答。',
  ...r`\frac \dfrac \sqrt \left( \right) \left \right \{ \} \pi \cdot \times \pm \boxed{ \text{ \mathrm{ \begin{pmatrix} \end{pmatrix} \begin{cases} \\ & \sin \log_ \ln \sum_{ \int \lim \infty \cup \cap \setminus \mathbb{R} \le \ge \ne \in \mid \equiv \pmod \overline{ \binom \circ \% \$ \! \, \; \quad`.split(
    ' ',
  ),
  ...'#### <answer> </answer> <think> </think> or and e9 1e999 0. .. 10! !!!! 99999999999 the answer is'.split(
    ' ',
  ),
]

/** Random bytes, or random pieces of formulas. */
export function noise(random: Random): string {
  const length = random.int(0, 60)
  if (random.int(0, 1) === 0)
    return Buffer.from(Array.from({ length: length * 2 }, () => random.int(0, 255))).toString(
      random.pick(['latin1', 'utf8', 'utf16le']),
    )
  return Array.from({ length }, () => random.pick(PIECES)).join('')
}

/** A random well-formed expression. */
export function formula(random: Random, depth = random.int(0, 5)): string {
  const sub = () => formula(random, depth - 1)
  if (depth <= 0)
    return random.pick([
      () => `${random.int(0, 20)}`,
      () => `${random.int(0, 1e9)}`,
      () => `${(random.uniform() * 100).toFixed(random.int(1, 6))}`,
      () => random.pick(['x', 'y', 'n', 'a', r`\theta`, 'i', 'e', r`\pi`, r`\infty`]),
    ])()
  return random.pick([
    () => `${sub()} + ${sub()}`,
    () => `${sub()} - ${sub()}`,
    () => r`${sub()} \cdot ${sub()}`,
    () => `(${sub()})(${sub()})`,
    () => r`\frac{${sub()}}{${sub()}}`,
    () => `(${sub()})/(${sub()})`,
    () => `(${sub()})^{${sub()}}`,
    () => r`\left(${sub()}\right)^${random.int(0, 9)}`,
    () => r`\sqrt{${sub()}}`,
    () => r`\sqrt[${random.int(2, 5)}]{${sub()}}`,
    () => `\\${random.pick(['sin', 'cos', 'tan', 'ln', 'log', 'arctan', 'exp', 'sec'])}(${sub()})`,
    () => r`\log_{${random.int(2, 10)}}{(${sub()})}`,
    () => `|${sub()}|`,
    () => `(${sub()})!`,
    () => r`\binom{${sub()}}{${sub()}}`,
    () => r`\lfloor ${sub()} \rfloor`,
    () => `-(${sub()})`,
    () => `(${sub()}, ${sub()})`,
    () => r`\{${sub()}, ${sub()}, ${sub()}\}`,
    () => `[${sub()}, ${sub()})`,
    () => r`${sub()} \cup ${sub()}`,
    () => `${sub()}, ${sub()}`,
    () => `${sub()} = ${sub()}`,
    () => r`${sub()} \le ${sub()} < ${sub()}`,
    () => r`${sub()} \pm ${sub()}`,
    () => r`\begin{pmatrix} ${sub()} & ${sub()} \\ ${sub()} & ${sub()} \end{pmatrix}`,
    () => r`${sub()}\%`,
    () => r`${sub()}^\circ`,
    () => r`${sub()}\text{ cm}`,
    () => r`\sum_{k=1}^{${sub()}} (${sub()})`,
    () => r`\boxed{${sub()}}`,
  ])()
}

/** A gold and an answer: two random texts, the same text twice, texts that differ in one place, or a short gold. */
export function pair(random: Random, make: (random: Random) => string): readonly [string, string] {
  const gold = make(random)
  switch (random.int(0, 3)) {
    case 0:
      return [gold, make(random)]
    case 2:
      return [formula(random, 1), gold]
    case 1:
      return [gold, gold]
    default: {
      const at = random.int(0, gold.length)
      return [gold, gold.slice(0, at) + random.pick(PIECES) + gold.slice(at + random.int(0, 1))]
    }
  }
}
