import { type Row, r } from './row.ts'

export const percent: readonly Row[] = [
  [
    r`28\%`,
    [
      '28%',
      '28 %',
      '28',
      '0.28',
      r`$28\%$`,
      '28 percent',
      r`28\text{ percent}`,
      r`\frac{7}{25}`,
      '28 pct',
      '28.0%',
      '28 per cent',
    ],
    ['72%', '2.8%', '0.28%', '280%', '28.5%', '82', '0.72', '2800', '29', '0.028', '128%'],
  ],
  ['50%', ['1/2', '0.5', '50', r`50 \%`], ['5', '1/5', '500%', '0.05']],
  ['0.15', ['15%', r`15\%`, '15 percent'], ['1.5%', '150%', '51%']],
  [r`12.5\%`, ['12.5%', '1/8', '0.125', r`12\frac12\%`], ['12%', '1/80', '1.25', '12.05%']],
  [r`33\frac{1}{3}\%`, [r`\frac13`, r`\frac{100}{3}\%`], ['33%', r`\frac14`]],
  ['100%', ['1', '100', '100 percent'], ['0', '10%', '1%', '99%']],
]

export const money: readonly Row[] = [
  [
    '18',
    ['$18', r`\$18`, '18 dollars', '$18.00', r`\$ 18`, '18 USD', '$18 per day', r`18\text{ dollars}`],
    ['$81', '$1.8', '$18.50', r`\$180`, '8', '$17.99', '$1,800', '18 and 19'],
  ],
  [r`\$36`, ['36', '$36', '36.00', r`\$36.00`], ['-36', '$63', '$3.6', '$36.36']],
  [
    r`\$1,234.50`,
    ['1234.5', '$1234.50', r`\$1{,}234.50`, '1,234.50'],
    ['$1234', '$12345.0', '123450', '$1,234.05'],
  ],
  [r`\$0.50`, ['0.5', '$.50', '50 cents', r`50\text{ cents}`], ['$50', '5 cents', '$5.00', '$0.05']],
  ['65 cents', ['65', r`65\text{ cents}`, '$0.65', '65¢'], ['56 cents', '$65', '6.5', '65 dollars']],
  ['€20', ['20', '20 €', '20 euros'], ['2', '€200', '$21']],
]

export const units: readonly Row[] = [
  [
    '10',
    [
      '10 cm',
      r`10\text{ cm}`,
      r`10 \mathrm{~cm}`,
      '10 meters',
      '10 apples',
      r`10\,\text{km/h}`,
      r`10\ \text{square units}`,
    ],
    ['100 cm', '1 cm', '10^2', '10 10', '12 cm', '1 apple', '0.10 m'],
  ],
  [
    r`10\text{ cm}`,
    ['10', '10 cm', '10cm', '10 centimeters', r`10\mbox{ cm}`, '0.1 m', '100 mm'],
    ['10 m', '10 km', '1 cm', '100 cm', '10 kg', '0.1 cm', '1 m'],
  ],
  [
    r`15\mbox{ cm}^2`,
    ['15', r`15\text{ cm}^2`, '15 cm²', '15 square centimeters', r`15 \text{ sq cm}`],
    ['51', '1.5', '15 kg', '225', '150 cm^2'],
  ],
  [r`125\textnormal{ miles}`, ['125 miles', '125', r`\text{125 miles}`], ['152 miles', '12.5', '125 hours']],
  [
    '2 hours',
    ['2', '2 h', '120 minutes', '2 hr', r`2\text{ hours}`],
    ['120', '2 minutes', '12 hours', '2 days', '3 h'],
  ],
  [
    '5 m/s',
    ['5', r`5\text{ m/s}`, r`5\ \frac{\text{m}}{\text{s}}`, '18 km/h', r`5 \mathrm{m}\,\mathrm{s}^{-1}`],
    ['5 m', '5 km/s', '50', '18', '5 s/m'],
  ],
  ['1.5 kg', ['1500 g', '1.5', '3/2 kg'], ['1500 kg', '15', '1.5 km']],
  ['3 feet', ['36 inches', '1 yard', '3 ft', '3'], ['3 inches', '12 inches', '3 yards', '36']],
  ['7 students', ['7', '7 students', r`7 \text{ students}`], ['6 students', '77', '17']],
  ['5 (times)', ['5', '5 times', '5.'], ['6', '5 (mod 7) + 1', '5 times 3']],
  ['36 (sq. inches)', ['36', '36 square inches'], ['6', '36 (feet)']],
  ['62 (push-ups)', ['62'], ['26']],
  ['1 (bottle cap)', ['1', '1 bottle cap'], ['2', '1 third']],
  ['123 (third graders)', ['123', '123 third graders'], ['132', '41']],
  ['2 min', ['2', '120 s', '2 minutes'], ['2 s', '120 min', r`\min(2, 3) + 1`]],
  [r`$25 \pi / 144 \mathrm{~m} / \mathrm{min}$`, [r`\frac{25\pi}{144}`], [r`\frac{25\pi}{14}`]],
  [r`$0.05 \mathrm{~N}-\mathrm{m}$`, ['0.05'], ['0.5']],
  [r`$4 \frac{4}{9}$ days`, [r`\boxed{4 \frac{4}{9}$ days}`, '40/9'], [r`\boxed{4 \frac{5}{9}$ days}`, '4']],
  [r`$\approx 1.47$ miles/s`, ['1.47'], ['1.48']],
  ['12.5 mL', ['12.5', '12.5 ml', r`12.5\ \text{mL}`], ['125', '12.5 L', '1.25']],
]

export const angles: readonly Row[] = [
  [
    r`90^\circ`,
    [
      '90',
      r`90^{\circ}`,
      '90°',
      '90 degrees',
      r`90\degree`,
      r`\frac{\pi}{2}`,
      r`90^\circ.`,
      r`90\text{ degrees}`,
    ],
    ['9', '45°', r`\pi`, '180', r`\frac{\pi}{3}`, '89', '90 radians', '90%'],
  ],
  ['30', [r`30^\circ`, '30°', r`30^\circ\text{ }`], ['60°', r`3^\circ`, r`300^{\circ}`]],
  [
    r`\frac{\pi}{6}`,
    [r`30^\circ`, r`\pi/6`, r`\frac{1}{6}\pi`, r`\frac{\pi}{6}\text{ radians}`],
    ['30', r`60^\circ`, r`\frac{6}{\pi}`, r`\frac{\pi}{60}`],
  ],
  [r`\angle ABC = 40^\circ`, [r`40^\circ`, '40', r`\angle ABC = 40°`], [r`50^\circ`, '140', r`\angle ABC`]],
]
