import { type Row, r } from './row.ts'

export const roots: readonly Row[] = [
  [
    r`3\sqrt{13}`,
    [r`3 \sqrt{13}`, r`\sqrt{117}`, r`3\sqrt13`, '3√13', '3*sqrt(13)', r`\sqrt{13}\cdot 3`, r`3(13)^{1/2}`],
    [r`\sqrt{13}`, r`13\sqrt{3}`, '39', r`3\sqrt{12}`, r`\sqrt{39}`, r`3\sqrt[3]{13}`, '10.8'],
  ],
  [
    r`\sqrt{3}`,
    [r`\sqrt3`, r`\sqrt 3`, '√3', 'sqrt(3)', '3^{1/2}', r`\frac{3}{\sqrt{3}}`],
    ['3', '1.73', r`-\sqrt{3}`, r`\sqrt{2}`, r`\sqrt[3]{3}`, r`\pm\sqrt{3}`],
  ],
  [
    r`\frac{\sqrt{2}}{2}`,
    [r`\frac{1}{\sqrt{2}}`, r`\sqrt{2}/2`, r`\sqrt{\frac{1}{2}}`, r`2^{-1/2}`, r`\frac{\sqrt2}2`],
    [r`\frac{\sqrt{2}}{4}`, r`\sqrt{2}`, r`\frac{2}{\sqrt{3}}`, '0.7', r`\frac{\sqrt{3}}{2}`],
  ],
  [
    r`\sqrt[3]{16}`,
    [r`2\sqrt[3]{2}`, '16^{1/3}', '∛16', r`\sqrt[3]{2}\cdot2`],
    ['4', r`\sqrt{16}`, r`\sqrt[4]{16}`, r`16/3`],
  ],
  [r`\sqrt{2}+\sqrt{5}`, [r`\sqrt 5 + \sqrt 2`, r`\sqrt{7+2\sqrt{10}}`], [r`\sqrt{7}`, r`\sqrt{5}-\sqrt{2}`]],
  [
    r`\frac{5\sqrt{42}}{27}`,
    [r`\frac{5 \sqrt{42}}{27}`, r`\frac{5}{27}\sqrt{42}`, r`5\sqrt{42}/27`],
    [r`\frac{5\sqrt{42}}{72}`, r`\frac{27}{5\sqrt{42}}`, r`\frac{42\sqrt{5}}{27}`],
  ],
  [
    r`\frac{\sqrt{\sqrt{11}+\sqrt{194}}}{15+2\sqrt{33}}`,
    [r`\frac{\sqrt{\sqrt{194}+\sqrt{11}}}{2\sqrt{33}+15}`],
    [r`\frac{\sqrt{\sqrt{11}+\sqrt{194}}}{15-2\sqrt{33}}`],
  ],
  [r`1+\sqrt{2}`, [r`\frac{1}{\sqrt{2}-1}`, r`\sqrt{3+2\sqrt{2}}`], [r`1-\sqrt{2}`, r`\sqrt{3}`]],
  [
    r`\frac{1+\sqrt{5}}{2}`,
    [r`\frac12 + \frac{\sqrt5}{2}`, r`2\cos 36^\circ`],
    ['2', r`\frac{1-\sqrt{5}}{2}`, '1.6'],
  ],
]

export const exponentials: readonly Row[] = [
  [
    r`\frac{9}{4}\pi`,
    [r`\frac94\pi`, r`\frac{9\pi}{4}`, '2.25π', r`9\pi/4`, '(9/4)*pi'],
    ['9/4', r`\frac{4}{9}\pi`, '7.07', r`9\pi`, r`\frac{9}{4\pi}`],
  ],
  [r`36\pi`, [r`36 \pi`, '36π', r`\pi\cdot36`, r`36\pi\text{ cm}^2`], ['36', '113.1', r`36\pi^2`, r`6\pi`]],
  [r`e^2`, ['e^2', r`\mathrm{e}^{2}`, r`\exp(2)`, r`e\cdot e`], ['7.39', r`2^e`, r`2e`, r`e^{-2}`]],
  [
    r`1-\frac{1}{e}`,
    [r`1 - e^{-1}`, r`\frac{e-1}{e}`, r`1 - \frac{1}{\mathrm{e}}`],
    [r`1+\frac{1}{e}`, r`\frac{1}{e}`, r`1-e`],
  ],
  [r`\ln 8`, [r`3\ln 2`, r`\ln(8)`, r`\log_e 8`, r`2\ln 2 + \ln 2`], [r`\ln 9`, '2.08', r`\ln 2`, r`8\ln 1`]],
  [
    r`\log_2 3`,
    [r`\frac{\ln 3}{\ln 2}`, r`\frac{\log 3}{\log 2}`, r`\log_{2}(3)`],
    [r`\log_3 2`, '1.5', r`\ln 3 - \ln 2`],
  ],
  [
    '3',
    [r`\log_2 8`, r`\log_{10} 1000`, r`\ln e^3`, r`\sqrt{9}`, r`\lfloor \pi \rfloor`, r`|-3|`, r`\gcd(6,9)`],
    [r`\log_8 2`, r`\ln 3`, r`\sqrt{3}`, r`\lceil \pi \rceil`, r`-|3|`, r`\log_3 8`, r`3!`],
  ],
  [
    r`\frac{\sqrt{3}}{2}`,
    [r`\sin 60^\circ`, r`\cos\frac{\pi}{6}`, r`\sin(\pi/3)`],
    [r`\sin 30^\circ`, r`\cos 60`, r`\sin \pi`],
  ],
  [
    r`\arctan\frac{1}{2}`,
    [r`\tan^{-1}\left(\frac12\right)`, r`\arctan(0.5)`],
    [r`\arctan 2`, r`\arcsin\frac{1}{2}`],
  ],
  [r`2^{\frac{1}{3}}`, [r`\sqrt[3]{2}`, '2^(1/3)'], ['2/3', r`\sqrt{2}`]],
  [r`\pi^2/6`, [r`\frac{\pi^2}{6}`, r`\frac16\pi^{2}`], [r`\frac{\pi}{6}`, '1.64']],
  [r`\infty`, [r`+\infty`, 'infinity', '∞'], [r`-\infty`, '0', '10^9']],
  [r`-\infty`, [r`- \infty`, '-∞'], [r`\infty`, '-1']],
  ['49', [r`\left|7\right| \left|7\right|`, '|7||7|'], [r`\left|7\right| - \left|7\right|`, '|7|']],
  ['625', [r`\left|\left|5\right|^4\right|`, '||5|^4|'], ['-||5|^4|', '5|']],
  [r`\arcsin\frac{10}{13}`, ['np.arcsin(10/13)'], ['np.arccos(10/13)']],
  [r`\frac{1}{2}\ln 3`, [r`\ln\sqrt{3}`, r`\frac{\ln 3}{2}`], [r`\ln\frac{3}{2}`, r`\sqrt{\ln 3}`]],
]

export const complex: readonly Row[] = [
  [
    '3+4i',
    ['4i+3', '3 + 4i', r`3+4\mathrm{i}`, r`(1+2i)(1-2i) + 4i - 2`, '3+4*i', r`(2+i)^2`],
    ['3-4i', '4+3i', '7', '5', '3+4', '-3-4i'],
  ],
  ['i', [r`\mathrm{i}`, r`\sqrt{-1}`, r`e^{i\pi/2}`, '-1/i'], ['-i', '1', r`\sqrt{1}`, '2i']],
  [r`5e^{i\pi/2}`, ['5i', r`5 e^{\frac{\pi i}{2}}`], ['-5i', '5']],
  [
    r`\frac{1}{2}+\frac{\sqrt{3}}{2}i`,
    [
      r`\frac{1+i\sqrt{3}}{2}`,
      r`e^{i\pi/3}`,
      r`\cos 60^\circ + i\sin 60^\circ`,
      r`\frac12 + \frac{i\sqrt{3}}{2}`,
    ],
    [
      r`\frac{1}{2}-\frac{\sqrt{3}}{2}i`,
      r`e^{-i\pi/3}`,
      r`\frac{1+\sqrt{3}}{2}`,
      r`\frac{\sqrt3}{2}+\frac12 i`,
    ],
  ],
  ['-1', ['i^2', r`e^{i\pi}`, r`e^{\pi i}`], ['i', r`e^{2\pi i}`, 'i^4']],
  [
    r`-1+i\sqrt{3}`,
    [r`-1+\sqrt{3}i`, r`2e^{2\pi i/3}`, r`i\sqrt3 - 1`],
    [r`-1-i\sqrt{3}`, r`1+i\sqrt{3}`, r`-1+\sqrt{3}`],
  ],
  [r`\pm i`, [r`i, -i`, r`\{i,-i\}`], ['i', r`\pm 1`]],
]
