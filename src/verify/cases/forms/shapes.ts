import { type Row, r } from '../row.ts'

/** Unions written as lists. */
export const listedIntervals: readonly Row[] = [
  [
    r`(0,3)\cup(5,8)`,
    ['(0,3), (5,8)', '(0,3) and (5,8)', '(5,8), (0,3)'],
    ['(0,3), (5,9)', '(0,3)', '[0,3], [5,8]'],
  ],
  [r`[0,3]\cup[5,8]`, ['[0,3], [5,8]'], []],
  ['(0,3), (5,8)', [r`(0,3)\cup(5,8)`], ['(0,3), (8,5)']],
  [r`(-\infty,0)\cup(2,5)`, [r`(-\infty,0), (2,5)`], []],
  [r`(1,2)\cup(3,4)`, ['(1,2), (3,4)', '(1,2) ; (3,4)'], []],
  [r`(1,2)\cup(3,4]`, ['(1,2), (3,4]'], []],
  [r`(-\infty,-1)\cup(0,3)`, [r`(-\infty,-1) and (0,3)`], []],
  [r`[1,2]\cup[3,4]`, ['[1,2] or [3,4]'], []],
]

/** Names of functions and derivatives, arbitrary constants, functions by cases. */
export const functionNames: readonly Row[] = [
  [
    r`y = C_1e^x+C_2e^{-x}`,
    [r`y = c_1e^x+c_2e^{-x}`, r`y = Ae^x+Be^{-x}`, r`y = c_2e^x+c_1e^{-x}`],
    [r`y = C_1e^x+C_1e^{-x}`, r`y = C_1e^x+C_2e^{-2x}`, r`y = e^x+Be^{-x}`],
  ],
  [r`f^{-1}(x)=\frac{x}{2}`, [r`y=\frac{x}{2}`], [r`y=\frac{x}{3}`]],
  ['f(x)=2x+3', ['y=2x+3'], ['y=2x-3', 'x=2y+3', 'g(x)=2x+3']],
  ['y=x^2-1', ['f(x)=x^2-1'], []],
  [r`\frac{dy}{dx}=2x`, ["y'=2x"], ['y=2x', r`\frac{dy}{dt}=2x`]],
  ["y'=2x", [r`\frac{dy}{dx}=2x`], []],
  ["f'(x)=2x", [r`\frac{df}{dx}=2x`], []],
  [r`\frac{d^2y}{dx^2}=2`, ["y''=2"], ["y'=2"]],
  ['x^2+C', ['x^2+K', 'x^2+c'], ['x^2+x', 'x^3+K', 'x^2+K+1+y']],
  [r`\sin x + C`, [r`C_1+\sin x`], []],
  ['Ce^{x}', ['Ke^x'], []],
  ['x^2', [], ['x^2+K']],
  ['x+y', [], ['x+z']],
  ['|x|', [r`\begin{cases}x&x\ge0\\-x&x<0\end{cases}`], [r`\begin{cases}x&x\ge0\\x&x<0\end{cases}`]],
  ['g(x)=x^2', ['y=x^2'], []],
  ['f(t)=t+1', ['y=t+1'], []],
  ['h(x)=x', ['y=x'], []],
  [r`\frac{dy}{dx}=y`, ["y'=y"], []],
  [r`\sin x+C`, [r`\sin x+K`], []],
  [r`\ln|x|+C`, [r`\ln|x|+c`], []],
  ['|x-1|', [r`\begin{cases}x-1&x\ge1\\1-x&x<1\end{cases}`], []],
  [r`\max(x,0)`, [r`\begin{cases}x & x>0\\0 & x\le0\end{cases}`], []],
  ['f(x)=|x|', [r`f(x)=\begin{cases}x&x\ge0\\-x&x<0\end{cases}`], []],
]

/** Matrices as nested lists, vectors as sums of unit vectors, complex numbers in polar form. */
export const vectors: readonly Row[] = [
  [
    r`\begin{pmatrix}1&2\\3&4\end{pmatrix}`,
    ['[[1,2],[3,4]]', '[[1, 2], [3, 4]]', 'Matrix([[1,2],[3,4]])', 'np.array([[1,2],[3,4]])', '[1 2; 3 4]'],
    ['[[1,3],[2,4]]', '[1 2 3 4]'],
  ],
  [
    r`\begin{pmatrix} 2 \\ -1 \end{pmatrix}`,
    [r`2\mathbf{i}-\mathbf{j}`, r`2\hat{i}-\hat{j}`, '2i-j'],
    [r`2\mathbf{i}+\mathbf{j}`, r`\mathbf{i}-2\mathbf{j}`],
  ],
  ['(1,2,3)', [r`\mathbf{i}+2\mathbf{j}+3\mathbf{k}`], []],
  [r`\begin{pmatrix}1\\0\\3\end{pmatrix}`, [r`\mathbf{i}+3\mathbf{k}`], []],
  ['(1,3)', [], [r`\mathbf{i}+3\mathbf{k}`]],
  [
    r`2\mathbf{i}-3\mathbf{j}`,
    ['(2,-3)', r`\begin{pmatrix}2\\-3\end{pmatrix}`, r`-3\mathbf{j}+2\mathbf{i}`],
    [r`2\mathbf{j}-3\mathbf{i}`],
  ],
  [r`\vec{v}=2\mathbf{i}-3\mathbf{j}`, ['(2,-3)'], []],
  [r`\langle 2,3\rangle`, [r`2\mathbf{i}+3\mathbf{j}`], []],
  [
    '5',
    [r`\begin{pmatrix}5\end{pmatrix}`],
    [r`\begin{pmatrix}6\end{pmatrix}`, r`\begin{pmatrix}5&5\end{pmatrix}`],
  ],
  ['(1,2)', [r`\begin{pmatrix}1&2\end{pmatrix}`], []],
  [r`\begin{pmatrix}1\\2\end{pmatrix}`, [], [r`\begin{pmatrix}1&2\end{pmatrix}`]],
  [r`\begin{pmatrix}5&6\\7&8\end{pmatrix}`, ['[[5,6],[7,8]]'], []],
  [
    r`\begin{bmatrix}1\\2\\3\end{bmatrix}`,
    ['[[1],[2],[3]]', '[1,2,3]', '(1,2,3)^T', r`\langle 1,2,3\rangle`],
    [],
  ],
  ['2i', [r`2\operatorname{cis}90^\circ`], []],
  ['-1', [r`\operatorname{cis}\pi`, r`e^{i\pi}`], []],
  [r`2\text{cis}(60^\circ)`, [r`1+\sqrt3 i`], []],
  ['1+i', [r`\sqrt2(\cos45^\circ+i\sin45^\circ)`, r`\sqrt{2}e^{i\pi/4}`], []],
  ['(4,-3)', [r`4\mathbf{i}-3\mathbf{j}`], []],
  [r`4\mathbf{i}-3\mathbf{j}`, [r`4\vec{i}-3\vec{j}`], []],
  [r`4\mathbf{i}-3\mathbf{j}+\mathbf{k}`, ['(4,-3,1)'], []],
]
