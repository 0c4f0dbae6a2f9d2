import { type Row, r } from './row.ts'

/** Forms with one meaning that look like others with another. */
export const distinctions: readonly Row[] = [
  // 5 K may be 5000
  [
    '5',
    ['5 kelvins'],
    ['5 K', r`5\text{ K}`, '5 bps', '5 basis points', '5 at most', '5 at the most', '5 km per'],
  ],
  ['300 K', ['300', '300 K', '300 kelvins'], ['301 K']],
  ['5 years', ['5 years old', '60 months'], ['6 years old', '5 months old']],
  ['6 feet', ['6 feet tall', '72 inches high', '6 ft'], ['6 inches tall', '7 feet tall']],
  ['2 hours', ['2h', '120 min'], ['3h', '2m', '2s', '2d']],
  ['2h', [], ['2', '2 hours 1 minute']],
  ['£7', ['7 pounds', '£7.00'], ['8 pounds', '7 lb', '$7']],
  ['7 lb', ['7 pounds'], ['£7']],
  [r`25^\circ\mathrm{C}`, ['25 degrees', '25°'], ['26 degrees', '25 °F']],
  ['5:30 PM', ['5.30 pm', '5.30 p.m.', '17:30'], ['5.30 am', '5.3 pm', '5.03 pm']],
  ['3/10', ['3 out of 10', '3 in 10', '3 out of every 10'], ['3 out of 11', '10 out of 3', '310']],
  ['3', [], ['3 out of 10', '3 in 10']],
  [r`-\infty`, ['negative infinity'], ['infinity']],
  // logic
  [r`p\land q`, [r`q\wedge p`, 'p and q'], [r`p\lor q`, 'p or q', r`\neg p\land q`]],
  ['A or B is empty', [], ['A and B is empty']],
  // functions
  ['f(x)=x', ['f(t)=t'], ['f(y)=x', 'f(x)=y']],
  ['f(x)=3x+1', ['f(y)=3y+1'], ['f(y)=3x+1']],
  // what is crossed out
  ['5', [], [r`\cancel{5}`, r`\cancel{5}6`, r`\bcancel{5}`]],
]
