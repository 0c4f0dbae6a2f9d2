import { type Row, r } from './row.ts'

export const choices: readonly Row[] = [
  [
    'C',
    [
      '(C)',
      'C.',
      r`\text{(C)}`,
      r`\textbf{(C)}`,
      r`\textbf{(C) }12`,
      'C) 12',
      'Option C',
      'c',
      r`\boxed{\text{C}}`,
      'The answer is (C).',
      r`\mathrm{C}`,
      'C: 12',
      '**C**',
    ],
    [
      'A',
      'D',
      '(B)',
      'A, B, C, D',
      'A or C',
      'ABCD',
      'BC',
      'A B C D',
      r`\text{A, B, C}`,
      'C or D',
      'not C',
      '(A) 12',
      'CC',
    ],
  ],
  [
    'B',
    ['B', '(B)', r`\text{B}`, 'The correct answer is B', 'B. 4 cm', 'Answer: B'],
    ['8', 'C', 'A. B', 'A/B/C/D', 'b or c', 'None'],
  ],
  ['ABD', ['A, B, D', 'ABD', 'A,B,D', r`\text{A, B and D}`], ['AB', 'ABCD', 'A', 'AD']],
  [r`\textbf{(C)}\ 12`, ['C', '12', '(C) 12', r`\text{(C)}`], ['B', '13', '(B) 13', 'A, B, C']],
  [r`\text{(E)}`, ['E', '(E)'], ['e^1', 'D']],
]

export const texts: readonly Row[] = [
  [
    r`\text{Evelyn}`,
    ['Evelyn', 'evelyn', r`\textbf{Evelyn}`, r`\text{ Evelyn }`, r`\mathrm{Evelyn}`, 'Evelyn.'],
    ['Briana', 'Evelyn and Briana', 'Eve', r`\text{Carla}`, 'E', 'Not Evelyn'],
  ],
  ['odd', [r`\text{odd}`, 'Odd', r`$\text{odd}$`], ['even', 'odd or even', 'neither']],
  ['Yes', ['yes', r`\text{Yes}`, 'Yes.', 'YES'], ['No', 'yes and no', 'maybe', r`\text{no}`]],
  ['No', ['no', r`\textbf{No}`, 'No.'], ['Yes', 'None', 'Yes or no']],
  ['True', ['true', r`\text{True}`, 'TRUE'], ['False', 'true or false', 'not true']],
  [r`\text{ellipse}`, ['ellipse', 'Ellipse', 'an ellipse'], ['hyperbola', 'circle', 'ellipse or hyperbola']],
  [r`\text{Monday}`, ['Monday', 'monday'], ['Tuesday', 'Sunday']],
  [
    'The midpoints form a regular hexagon',
    ['the midpoints form a regular hexagon', r`\text{The midpoints form a regular hexagon}`],
    ['the midpoints form a regular pentagon', 'hexagon or pentagon or square'],
  ],
  [
    r`\text{no solution}`,
    ['no solution', 'No solution.', 'no solutions'],
    ['0', '1 solution', 'infinitely many solutions'],
  ],
  ['DNE', [r`\text{DNE}`, 'dne'], ['0', r`\infty`]],
  ['neither', [r`\text{neither}`, 'Neither'], ['both', 'either']],
  ['east', ['East', r`\text{east}`], ['west', 'northeast']],
]

export const dates: readonly Row[] = [
  [
    'May 5',
    ['May 5', '5 May', 'May 5th', r`\text{May 5}`, 'the 5th of May'],
    ['May 6', 'June 5', '5', 'May', 'May 15'],
  ],
  [
    'January 1, 2020',
    ['2020-01-01', '1 January 2020', 'Jan 1, 2020', 'January 1st, 2020'],
    ['January 2, 2020', 'January 1, 2021', '2020', '2020-01-11'],
  ],
  [
    '3:30 PM',
    ['3:30 pm', '3:30 p.m.', '15:30', r`3\!:\!30\text{ PM}`, '3:30PM'],
    ['3:30 AM', '3:31 PM', '3.30 AM', '2:30 PM', '330'],
  ],
  ['12:00', ['12:00', r`12{:}00`], ['1:00', '12:01']],
  ['9:00 a.m.', ['9 a.m.', '9:00 AM', '09:00'], ['9:00 p.m.', '9:30 a.m.', '19:00']],
]

export const ratios: readonly Row[] = [
  ['7:32', ['7:32', '7 : 32', r`7\mathbin{:}32`], ['32:7', '7:23', '39']],
  [r`S_{1}:S_{2}=11:21`, ['11:21', r`S_1:S_2 = 11:21`], ['21:11', '11']],
  ['1:2:3', ['1:2:3', '1 : 2 : 3'], ['3:2:1', '1:2']],
]
