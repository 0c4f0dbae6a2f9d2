import { r } from './row.ts'

/** Gold answers that nothing can be compared with: neither right nor wrong. */
export const unknown: readonly string[] = [
  '',
  ' ',
  '\n\t',
  '$$',
  '$ $',
  r`\boxed{}`,
  r`\frac{1}{`,
  r`\frac`,
  r`\sqrt{`,
  '(',
  ')(',
  '((2,3)',
  '{',
  '=',
  '+',
  'x +',
  '1 + * 2',
  r`\left(`,
  r`\begin{pmatrix} 1 & 2`,
  '^2',
  '\u200b',
  r`\text{}`,
  '1/0',
  ',',
]
