import { type Row, r } from './row.ts'

export const intervals: readonly Row[] = [
  [
    '[0,1)',
    ['$[0,1)$', '[0, 1)', r`\left[0,1\right)`, r`0\le x<1`, '[0,1[', r`x\in[0,1)`],
    ['(0,1]', '[0,1]', '(0,1)', '[0,9)', '0', r`0<x\le 1`],
  ],
  ['(0,9)', ['(0, 9)', ']0,9[', r`0<x<9`], ['[0,9)', '(0,9]', '(9,0)']],
  [
    r`(0,\infty)`,
    [r`(0,+\infty)`, 'x>0', '(0, ∞)', r`\mathbb{R}^+`],
    [r`[0,\infty)`, r`(-\infty,0)`, r`(0,1)`, r`\mathbb{R}`],
  ],
  [
    r`(-\infty,\infty)`,
    [r`\mathbb{R}`, 'ℝ', r`(-\infty, +\infty)`],
    [r`[0,\infty)`, r`\mathbb{Z}`, r`\emptyset`],
  ],
  [
    r`(2,12)\cup(12,102)`,
    [r`(12,102)\cup(2,12)`, r`x \in (2,12) \cup (12,102)`, '(2,12)U(12,102)'],
    [r`(2,102)`, r`(2,12)\cap(12,102)`, r`[2,12)\cup(12,102]`],
  ],
  [
    r`[-1,-\frac{1}{2})\cup(-\frac{1}{2},0)\cup(0,1)\cup(1,\infty)`,
    [r`[-1, -\tfrac12) \cup (-\tfrac12, 0) \cup (0, 1) \cup (1, \infty)`],
    [r`[-1,\infty)`],
  ],
  [r`\{-1\}\cup[0,7)`, [r`[0,7)\cup\{-1\}`, r`x\in\{-1\}\cup[0,7)`], [r`[-1,7)`, r`[0,7)`]],
  [r`[-1,1]`, [r`[-1,0]\cup[0,1]`, r`|x|\le1`, r`\left[ -1, 1 \right]`], [r`\{-1,1\}`, r`|x|<1`, r`[1,-1]`]],
  [r`(\frac{3}{5},\frac{8}{3}]`, [r`\left(0.6,\frac83\right]`], [r`(0.6,2.6]`]],
]

export const sets: readonly Row[] = [
  [
    r`\{1,2,3\}`,
    [r`\{3,2,1\}`, '{1,2,3}', '1, 2, 3', r`\left\{1,2,3\right\}`, r`1,2\text{ and }3`, r`\{1, 2, 3, 3\}`],
    [r`\{1,2\}`, r`\{1,2,3,4\}`, '6', r`\{1,2,4\}`, '[1,3]', '123'],
  ],
  [r`\emptyset`, [r`\varnothing`, '∅', r`\{\}`, r`\{ \}`], ['0', r`\{0\}`, r`\{\emptyset, 1\}`, '1']],
  [
    r`\{1\pm\sqrt{5},-2\}`,
    [r`-2, 1+\sqrt5, 1-\sqrt5`, r`\{-2,1-\sqrt{5},1+\sqrt{5}\}`],
    [r`1\pm\sqrt5`, r`\{1+\sqrt{5},-2\}`],
  ],
  [r`\{\{1\},\{1,2\}\}`, [r`\{\{2,1\},\{1\}\}`], [r`\{1,\{1,2\}\}`]],
  [r`\{\{1,2\}\}`, [r`\{\{2,1\}\}`], [r`\{1,2\}`]],
  [r`\{(0,0),(1,1)\}`, [r`(1,1),(0,0)`, r`\{(1,1),(0,0)\}`], [r`\{(0,0)\}`, r`(0,0,1,1)`]],
  [r`\mathbb{R}\setminus\{0\}`, [r`(-\infty,0)\cup(0,\infty)`, r`x\ne0`], [r`\mathbb{R}`, r`(0,\infty)`]],
  [r`\{x\mid x>2\}`, [r`(2,\infty)`, r`\{x : x > 2\}`], [r`[2,\infty)`, r`\{x\mid x<2\}`]],
]

export const lists: readonly Row[] = [
  [
    '-2,1',
    ['1,-2', '-2, 1', '1 and -2', r`x=-2\text{ or }x=1`, r`\{-2,1\}`, '-2; 1', r`x = 1, -2`],
    ['-2', '1', '2,-1', '-2,1,0', '-1', '-2.1', '-2, 2'],
  ],
  ['x=1 or y=2', ['y=2 or x=1'], ['x=1, y=2']],
  ['x=1, y=2', ['x=1 and y=2'], ['x=1 or 2']],
  ['x=1, y=2 or x=3, y=4', ['(1,2), (3,4)'], ['(1,2), (3,5)']],
  [r`12\text{ and }13`, ['12 and 13', '12, 13', '13 and 12'], ['12', '12 to 13', '25']],
  [
    r`1\pm\sqrt{19}`,
    [
      r`1+\sqrt{19}, 1-\sqrt{19}`,
      r`1 \pm \sqrt{19}`,
      r`x = 1\pm\sqrt{19}`,
      '1±√19',
      r`1-\sqrt{19}\text{ and }1+\sqrt{19}`,
    ],
    [r`1+\sqrt{19}`, r`-1\pm\sqrt{19}`, r`1\pm\sqrt{91}`, '1', r`\pm\sqrt{19}`],
  ],
  [
    r`\pm 2021`,
    [r`-2021, 2021`, r`\{-2021,2021\}`, '±2021', r`2021\text{ and }-2021`],
    ['2021', '-2021', r`\pm 2020`, '0'],
  ],
  [r`3\pm2\sqrt{2}`, [r`3+2\sqrt2, 3-2\sqrt2`, r`3 \pm \sqrt{8}`], [r`3+2\sqrt{2}`, r`2\pm3\sqrt{2}`]],
  [
    '19, 46, and 82',
    ['19, 46, 82', r`19,46,\text{ and }82`, '82, 46, 19'],
    ['21, 36, and 82', '19, 46', '147'],
  ],
  ['-12;-11;-10', [r`\{-12,-11,-10\}`, '-12, -11, -10'], ['-12;-11', '-12,-11,-10,-9']],
  [r`21,16\text{ or }11`, ['21,16,11', '11, 16 or 21'], ['21,16', '48']],
  ['1, 2, 3, 4', ['1,2,3,4', '4,3,2,1'], ['1234', '1, 2, 3']],
  [
    r`(2,1),(1,2),(-1,-20),(-20,-1)`,
    [r`(1,2),(2,1),(-20,-1),(-1,-20)`, r`\{(1,2),(2,1),(-1,-20),(-20,-1)\}`],
    [r`(2,1),(1,2),(-1,-20)`, r`(2,1),(1,2),(-1,-20),(20,-1)`],
  ],
  [
    r`\frac{1}{2}, \frac{-1\pm\sqrt{13}}{4}`,
    [r`x = \frac{1}{2}, x = \frac{-1 \pm \sqrt{13}}{4}`],
    [r`\frac{1}{2}, \frac{1\pm\sqrt{13}}{4}`],
  ],
]

export const tuples: readonly Row[] = [
  [
    '(3,1)',
    ['(3, 1)', r`\left(3,1\right)`, '(x,y)=(3,1)', '(3.0, 1)', r`(6/2, 1)`, r`x=3, y=1`],
    ['(1,3)', '(3,1,0)', '3', '(3,-1)', '31', '(3)'],
  ],
  [
    r`(3,\frac{\pi}{2})`,
    [r`\left(3, \frac{\pi}{2}\right)`, r`(3,\pi/2)`, r`(r,\theta) = \left( 3, \frac{\pi}{2} \right)`],
    [r`(\frac{\pi}{2},3)`, r`(3,\pi)`, '(3,1.57)'],
  ],
  [
    '(6,31,-1)',
    ['(6, 31, -1)', r`(p,q,r)=(6,31,-1)`, r`( 6 , 31 , - 1 )`],
    ['(6,31,1)', '(6,-1,31)', '(6,31)'],
  ],
  [r`(1,\frac{9}{2})`, ['(1,4.5)', r`\left(1,4\frac12\right)`], ['(1,4)', '(1,9)']],
  ['(p,q)=(3,2)', ['(3,2)', r`p=3,q=2`], ['(2,3)', '3,2,1']],
  ['(0;-2;6)', ['(0,-2,6)', '(0; -2; 6)'], ['(0,2,6)', '(0;-2)']],
  [
    r`\left(\frac{27}{8},\frac{15}{8}\right)`,
    [r`(27/8, 15/8)`, '(3.375,1.875)'],
    [r`(\frac{27}{8}, \frac{15}{9})`, '27/8'],
  ],
  [
    r`\langle 1,2,3\rangle`,
    [r`\langle 1, 2, 3 \rangle`, '<1,2,3>', r`(1,2,3)`],
    [r`\langle 3,2,1\rangle`, r`\langle 1,2\rangle`, '6'],
  ],
]

export const matrices: readonly Row[] = [
  [
    r`\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}`,
    [
      r`\begin{bmatrix}1&2\\3&4\end{bmatrix}`,
      r`\left[\begin{array}{cc}1 & 2 \\3 & 4\end{array}\right]`,
      r`\begin{pmatrix} 1 & 2 \\ 3 & \frac{8}{2} \\ \end{pmatrix}`,
      r`\left(\begin{matrix}1&2\\3&4\end{matrix}\right)`,
      r`\begin{pmatrix}1 & 2 \\[2pt] 3 & 4\end{pmatrix}`,
      r`A = \begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}`,
    ],
    [
      r`\begin{pmatrix}1 & 2 \\ 3 & 5\end{pmatrix}`,
      r`\begin{pmatrix}1 & 3 \\ 2 & 4\end{pmatrix}`,
      r`\begin{pmatrix}1 & 2 & 3 & 4\end{pmatrix}`,
      r`\begin{vmatrix}1 & 2 \\ 3 & 4\end{vmatrix}`,
      r`\begin{pmatrix}1 & 2 \\ 3 & 4 \\ 0 & 0\end{pmatrix}`,
      r`-\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}`,
    ],
  ],
  [
    r`\begin{pmatrix} 0 & 3 \\ 0 & -1 \end{pmatrix}`,
    [r`\begin{pmatrix}0&3\\0&-1\end{pmatrix}`],
    [r`\begin{pmatrix}0&3\\0&1\end{pmatrix}`],
  ],
  [
    r`\begin{pmatrix}-\frac{7}{4}&-2\\4&\frac{1}{4}\end{pmatrix}`,
    [r`\begin{pmatrix}-7/4 & -2 \\ 4 & 1/4\end{pmatrix}`, r`\begin{bmatrix}-1.75&-2\\4&0.25\end{bmatrix}`],
    [
      r`\begin{pmatrix}\frac{7}{4}&-2\\4&\frac{1}{4}\end{pmatrix}`,
      r`\begin{pmatrix}-\frac{7}{4}&4\\-2&\frac{1}{4}\end{pmatrix}`,
    ],
  ],
  [
    r`\begin{pmatrix} 1 \\ -2 \\ 3 \end{pmatrix}`,
    [r`\begin{bmatrix} 1 \\ -2 \\ 3 \end{bmatrix}`, r`\left(\begin{array}{c}1\\-2\\3\end{array}\right)`],
    [r`\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}`, r`\begin{pmatrix} 1 \\ -2 \end{pmatrix}`],
  ],
  [
    r`\begin{pmatrix}6 & 8 \\ 10 & 12\end{pmatrix}`,
    [
      r`2\begin{pmatrix}3 & 4 \\ 5 & 6\end{pmatrix}`,
      r`\begin{pmatrix}1&2\\3&4\end{pmatrix}+\begin{pmatrix}5&6\\7&8\end{pmatrix}`,
    ],
    [r`\begin{pmatrix}3 & 4 \\ 5 & 6\end{pmatrix}`, '36'],
  ],
  [
    '-2',
    [r`\begin{vmatrix}1 & 2 \\ 3 & 4\end{vmatrix}`, r`\det\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}`],
    [r`\begin{vmatrix}1 & 2 \\ 3 & 5\end{vmatrix}`, r`\begin{pmatrix}-2 & 0 \\ 0 & -2\end{pmatrix}`],
  ],
  [
    r`\begin{pmatrix} 7 & i \\ a & y \end{pmatrix}^2`,
    [
      r`\begin{pmatrix} 7 & i \\ a & y \end{pmatrix}\begin{pmatrix} 7 & i \\ a & y \end{pmatrix}`,
      r`\begin{pmatrix} 49+ai & 7i+iy \\ 7a+ay & ai+y^2 \end{pmatrix}`,
    ],
    [
      r`\begin{pmatrix} 7 & i \\ \, & y \end{pmatrix}^2`,
      r`((\begin{pmatrix}a&b&c\\1&x&2\\3&4&5\end{pmatrix}^4)^4)^4`,
    ],
  ],
  [r`\left|\begin{array}{cc}1&2\\3&4\end{array}\right|`, ['-2'], ['2']],
  [
    r`\begin{pmatrix}\cos\theta & -\sin\theta \\ \sin\theta & \cos\theta\end{pmatrix}`,
    [r`\begin{bmatrix}\cos \theta & - \sin \theta \\ \sin \theta & \cos \theta\end{bmatrix}`],
    [r`\begin{pmatrix}\cos\theta & \sin\theta \\ -\sin\theta & \cos\theta\end{pmatrix}`],
  ],
]
