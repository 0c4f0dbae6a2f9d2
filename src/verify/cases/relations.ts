import { type Row, r } from './row.ts'

const VECTOR = (last: string) =>
  r`\mathbf{y}=c_1\left[\begin{array}{l}0\\1\\1\end{array}\right] e^{2 t}+c_2\left[\begin{array}{l}1\\0\\1\end{array}\right] e^{3 t}+c_3\left[\begin{array}{l}1\\1\\0\end{array}\right] e^{5 t}+\left[\begin{array}{l}e^{t}\\4\\2\end{array}\right]+\left[\begin{array}{l}0\\0\\1\end{array}\right]e^{-2t}+\left[\begin{array}{l}t\\t\\` +
  r`${last}\end{array}\right]`

export const equations: readonly Row[] = [
  ['2+3=5', ['5', '2+3=5', '3+2=5'], ['2', '2+2=5', '2+3=6']],
  [r`\log_2 8 = 3`, ['3', r`\log_2 8`], [r`\log_3 8`, '8']],
  [r`200(\cos(\pi/6))20=3464.1`, ['3464.1'], [r`20(\cos\frac{\pi}{4})300=4242.6`]],
  ['Solution is: $x=4$', ['4', 'x=4'], ['5', 'x=5']],
  [VECTOR('2'), [`${VECTOR('2')} `], [VECTOR('3')]],
  [`${VECTOR('2')}.`, [VECTOR('2')], ['2']],
  ['|z|=5', ['5'], ['-5']],
  [
    'x=3',
    ['3', 'x = 3', '$x=3$', '3=x', 'x=3.0', r`x\approx3`, r`x = 1+2 = 3`, r`x=\frac{6}{2}`],
    ['x=4', '4', 'x>3', '3x', 'x=-3', 'x = 3, 4', '2x=6', 'x=x', '3=3'],
  ],
  [
    '11',
    ['x=11', r`$x=11$`, r`x\approx11`, r`k = 5+6 = 11`, 'n = 11.'],
    ['x=1', 'x>11', r`x \ne 11`, 'x=11+c', 'x+1=11'],
  ],
  [
    'y=2x+1',
    ['2x+1', 'y = 2x + 1', 'y-2x=1', '2x-y+1=0', '2y=4x+2', '1+2x=y'],
    ['y=2x', '2x', 'y=2x-1', '1', 'x=2y+1', 'y=y'],
  ],
  ['2x+z=1', ['z+2x=1', '4x+2z=2', '1=2x+z', '2x+z-1=0'], ['1', '2x+z', '2x+z=2', '2x-z=1']],
  [r`7 = 11a+c`, [r`11a+c=7`, r`c = 7 - 11a`], [r`11a+c`, '7']],
  [
    r`34x+45y-20z+100=0`,
    [r`-34x-45y+20z-100=0`, r`34x+45y+100=20z`],
    [r`34x+45y-20z-100=0`, r`34x+45y-20z=0`],
  ],
  [
    r`x^2/4 + y^2/3 = 1`,
    [r`3x^2+4y^2=12`, r`\frac{x^2}{4}+\frac{y^2}{3}=1`, r`x^2/16 + y^2/12 = 1/4`],
    [r`\frac{x^2}{3}+\frac{y^2}{4}=1`, '1', r`x^2/4 - y^2/3 = 1`],
  ],
  [r`2x+4y-3=0`, [r`y=-\frac{1}{2}x+\frac{3}{4}`, r`4y = 3 - 2x`], [r`y=\frac12x+\frac34`, '0']],
  [r`f(x)=x^2+1`, [r`x^2+1`, r`f(x) = 1 + x^2`], [r`x^2-1`, r`f(x)=x^2`]],
  [
    r`(x-1)^2+(y+2)^2=9`,
    [r`(y+2)^2+(x-1)^2=9`, r`x^2-2x+y^2+4y-4=0`],
    [r`(x+1)^2+(y-2)^2=9`, r`(x-1)^2+(y+2)^2=3`],
  ],
  [r`a=4,b=5`, [r`b=5, a=4`, r`a=4\text{ and }b=5`, r`a = 4, \quad b = 5`], [r`a=5,b=4`, r`a=4`, r`a=4,b=6`]],
  [r`AB=4,CD=5`, [r`AB=4, CD=5`], [r`AB=5,CD=4`]],
  [r`|AB|=1`, ['1', r`|AB| = 1`], ['2', r`|AB|`]],
  [r`f(2)<f(1)<f(4)`, [r`f(2) < f(1) < f(4)`, r`f(4)>f(1)>f(2)`], [r`f(1)<f(2)<f(4)`, r`f(2)<f(1)`]],
  [
    r`p=-1, p=\frac{15}{8}`,
    [r`p = -1 \text{ and } p = \dfrac{15}{8}`, r`p=-1\text{ or }p=1.875`, r`-1, \frac{15}{8}`],
    [r`p=-1`, r`p=1, p=\frac{15}{8}`, '-1'],
  ],
  [r`x\equiv 3\pmod 7`, [r`3 \pmod{7}`, r`x \equiv 3 \pmod{7}`], [r`x\equiv 4\pmod 7`, r`x\equiv 3\pmod 8`]],
]

export const inequalities: readonly Row[] = [
  [
    r`x\ge 5`,
    [
      'x >= 5',
      r`x \geq 5`,
      r`5\le x`,
      '[5, ∞)',
      r`x\in[5,\infty)`,
      'x≥5',
      r`5 \leqslant x`,
      r`\{x \mid x \ge 5\}`,
    ],
    ['x>5', 'x<=5', 'x=5', '5', r`(5,\infty)`, r`x \le 5`, r`[5,10]`, r`x\ge -5`],
  ],
  [
    'x<1',
    ['-x>-1', r`x \lt 1`, '1>x', r`(-\infty,1)`, r`x \in (-\infty, 1)`],
    ['x>1', 'x>-1', r`x\le1`, r`(-\infty,1]`],
  ],
  [
    r`-2\le x\le 7`,
    [r`x\in[-2,7]`, '[-2,7]', r`7\ge x\ge-2`, r`-2 \leq x \leq 7`],
    [r`(-2,7)`, r`-2<x<7`, r`x\le7`, r`-2 \le x \le 8`],
  ],
  [r`0<f(x)<1`, ['(0,1)', r`0 < f(x) < 1`], ['[0,1]', '(0,2)']],
  [r`-793 < a < 10`, ['(-793, 10)', r`a \in (-793,10)`], ['[-793, 10]', '(-793, 11)']],
  [
    r`x\ne 3`,
    ['x != 3', r`x \neq 3`, r`(-\infty,3)\cup(3,\infty)`, r`\mathbb{R}\setminus\{3\}`],
    ['x=3', '3', r`x\ne 4`, r`\mathbb{R}`],
  ],
  [
    r`x<-1\text{ or }x>2`,
    [r`(-\infty,-1)\cup(2,\infty)`, r`x > 2 or x < -1`],
    [r`-1<x<2`, r`(-\infty,-1]\cup[2,\infty)`],
  ],
  [r`k\ge 2`, [r`k \ge 2`, r`k \geqslant 2`], [r`k > 2`, 'k=2']],
]
