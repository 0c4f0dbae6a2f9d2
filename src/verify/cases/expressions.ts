import { type Row, r } from './row.ts'

export const polynomials: readonly Row[] = [
  [
    r`x^2-5x+6`,
    [r`(x-2)(x-3)`, r`(x-3)(x-2)`, 'x^2 - 5x + 6', r`6 - 5x + x^{2}`, 'x**2-5*x+6', 'x²−5x+6', r`x(x-5)+6`],
    [r`(x+2)(x+3)`, r`x^2+5x+6`, r`x^2-5x`, r`x^2 - 5x - 6`, r`x^{25}x+6`, r`y^2-5y+6`, 'x = 2, 3'],
  ],
  [r`2-2p`, [r`2(1-p)`, r`-2p+2`, r`2 - 2 p`], [r`2p-2`, r`2`, r`-2p`]],
  [r`(x+y)^3`, [r`x^3+3x^2y+3xy^2+y^3`, r`(y+x)^3`], [r`x^3+y^3`, r`(x-y)^3`]],
  [
    r`\frac{x+2}{7}`,
    [r`\frac{x}{7}+\frac{2}{7}`, r`(x+2)/7`, r`\frac17(x+2)`],
    [r`x + \frac{2}{7}`, r`\frac{x}{7}+2`, r`x+2/7`],
  ],
  [r`x+2n+1`, [r`1+2n+x`], [r`x+1`]],
  [r`(a+5)(b+2)`, [r`ab+2a+5b+10`, r`(b+2)(a+5)`], [r`5(b+2)`, r`ab+10`]],
  [r`-2x^2+4x+3`, [r`-2(x-1)^2+5`, r`3+4x-2x^2`], [r`-2(x+1)^2+5`, r`2x^2+4x+3`]],
  [r`n^2`, [r`n \cdot n`, r`n^{2}`], [r`2n`, r`n`]],
  [
    r`\frac{n(n+1)}{2}`,
    [r`\frac{n^2+n}{2}`, r`\binom{n+1}{2}`, r`\frac12 n(n+1)`],
    [r`\frac{n(n-1)}{2}`, r`n(n+1)`, r`\binom{n}{2}`],
  ],
  [r`5x`, ['5 x', '5*x', r`x\cdot5`], ['5', '6x', r`5x^2`]],
]

export const algebra: readonly Row[] = [
  [r`\frac{x^2-1}{x-1}`, [r`x+1`, r`1+x`], [r`x-1`, r`x`]],
  [
    r`\frac{\pi r}{h+r}`,
    [r`\frac{r\pi}{r+h}`, r`\pi \frac{r}{h+r}`],
    [r`\frac{\pi r}{h}`, r`\frac{\pi r}{h-r}`],
  ],
  [r`\frac{1}{x}+\frac{1}{y}`, [r`\frac{x+y}{xy}`], [r`\frac{1}{x+y}`]],
  [r`\sqrt{x^2}`, [r`|x|`, r`\left|x\right|`], [r`-x`, r`x`]],
  [r`|a||b|`, ['|ab|', r`\left|a\right|\left|b\right|`], ['|a+b|', 'ab']],
  [r`|x-|y||`, [r`\left|x-\left|y\right|\right|`, r`\lvert\lvert y\rvert-x\rvert`], ['|x-y|', 'x-|y|']],
  [
    r`\left|3-2\right| + \left|x*5\right| \left|\frac{5}{a}\right|`,
    [r`1+\frac{25|x|}{|a|}`],
    [r`1+\frac{25x}{a}`],
  ],
  [r`x^{2/3}`, [r`\sqrt[3]{x^2}`, r`\sqrt[3]{x}^2`], [r`\sqrt{x^3}`, r`x^{3/2}`]],
  [
    r`\frac{1}{3x^{2/3}}`,
    [r`\frac{1}{3\sqrt[3]{x}^2}`, r`\frac{1}{3}x^{-2/3}`],
    [r`\frac{3}{x^{2/3}}`, r`\frac{1}{3}x^{2/3}`],
  ],
  [r`\sqrt{ab}`, [r`\sqrt{ba}`, r`(ab)^{1/2}`], [r`ab`, r`\sqrt{a+b}`]],
  [r`2^{n+1}`, [r`2\cdot2^n`, r`2^{1+n}`], [r`2^n+1`, r`2^n`]],
  [r`2^{n+1}-1`, [r`2\cdot 2^n-1`], [r`2^{n}-1`]],
  [r`e^{2x}`, [r`(e^x)^2`, r`\exp(2x)`, r`e^xe^x`], [r`e^{x^2}`, r`2e^x`, r`e^{x}`]],
  [r`x_1+x_2`, [r`x_{2}+x_{1}`], [r`x_1-x_2`]],
  [r`\frac{a+b}{c}`, [r`(a+b)/c`, r`\frac{a}{c}+\frac{b}{c}`], [r`a+b/c`, r`\frac{c}{a+b}`]],
  [r`\alpha+\beta`, [r`\beta + \alpha`, 'α+β'], [r`\alpha\beta`, r`\alpha-\beta`]],
  [
    r`\frac{a^2}{2\sqrt{3}}`,
    [r`\frac{a^2\sqrt{3}}{6}`, r`\frac{\sqrt3}{6}a^2`],
    [r`\frac{a^2\sqrt{3}}{2}`, r`\frac{a}{2\sqrt{3}}`],
  ],
  [r`n!`, [r`n\cdot(n-1)!`], [r`(n+1)!`]],
  [r`x`, ['x', '$x$', r`\frac{2x}{2}`], ['y', 'X^2', '1']],
]

export const trigonometry: readonly Row[] = [
  [
    r`\tan^2(y)+1`,
    [r`\sec^2(y)`, r`\sec^2 y`, r`\frac{1}{\cos^2 y}`],
    [r`\cos^2 y`, r`\tan^2 y - 1`, r`\csc^2 y`],
  ],
  [r`2\sin b\cos a`, [r`\sin(a+b)-\sin(a-b)`, r`2\cos a\sin b`], [r`2\sin a\cos b`, r`\sin(a+b)`]],
  [r`\sin 2x`, [r`2\sin x\cos x`, r`\sin(2x)`], [r`2\sin x`, r`\sin^2 x`]],
  [r`\cos 2x`, [r`1-2\sin^2 x`, r`2\cos^2x-1`], [r`1+2\sin^2 x`, r`2\cos x`]],
  ['1', [r`\sin^2 x+\cos^2 x`], [r`\sin x+\cos x`]],
  [r`\cot\theta`, [r`\frac{\cos\theta}{\sin\theta}`, r`\frac{1}{\tan \theta}`], [r`\tan\theta`, r`\cot\phi`]],
  [
    r`\frac{1}{2}x-\frac{1}{4}\sin 2x + C`,
    [r`\frac{x}{2}-\frac{\sin(2x)}{4}+C`, r`\frac{2x-\sin 2x}{4}+C`],
    [r`\frac{x}{2}+\frac{\sin(2x)}{4}+C`, r`\frac{x}{2}-\frac{\cos 2x}{4}+C`],
  ],
  [r`\ln|x|+C`, [r`\ln |x| + C`, r`C+\ln\left|x\right|`], [r`\frac{1}{x}+C`, r`\ln|x|-x+C`]],
  [r`\log(xy)`, [r`\log x+\log y`], [r`\log x\log y`]],
  [r`\sum_{k=1}^{n} k^2`, [r`\sum_{k=1}^{n}k^2`], [r`\sum_{k=0}^{n} k^3`]],
]
