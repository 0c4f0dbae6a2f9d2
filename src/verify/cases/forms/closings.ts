import { type Row, r } from '../row.ts'

/** Last sentences with more than one number, and answers that the next sentence takes back. */
export const closings: readonly Row[] = [
  // the price of several things, an emphasised number, and numbers that the question gave
  [
    '36',
    [
      'John spent a total of $36 on 4 tickets.',
      'Ann paid $36 for all 4 tickets.',
      'Weng earned **$36** for the 50 minutes of babysitting.',
      'He needs **36 more boxes** for 9 shelves.',
      "He'll have 36 apples after 3 days.",
      'They each get 36 apples from the 72 apples.',
      'She needs 36 boxes for the 72 apples.',
    ],
    [
      'The total is **36** or 37.',
      'It is **36**, 37 or 38.',
      'We cannot say that it is 36, but 9 of them fit.',
      'The answer cannot be 36.',
      "The sum can't be 36.",
      'He needs 5 more to reach 36.',
    ],
  ],
  ['4', [], ['John spent $36 on 4 tickets.', 'He needs 36 boxes for the 4 shelves.']],
  ['5', ['He needs 5 more to reach 8.', 'He needs 5 more apples to make 8.'], []],
  // answers that are taken back
  [
    '7',
    [
      'The answer is 7. Wait, let me check: 3 + 4 = 7.',
      'The answer should be 7.',
      'The answer is 7. I hope it is correct.',
    ],
    [
      'The answer is 7. Or 8.',
      'The answer is 7. Wait, 8.',
      'The answer is 7. No, the answer should be 8.',
      'The answer is 7. Actually, it is 8.',
      'The answer is 7. Hmm, maybe 8.',
      'The answer is $7$. Alternatively, $8$.',
    ],
  ],
  ['Monday', ['The answer is Monday.'], ['The answer is Monday. Or Tuesday.', 'Monday?']],
  // conditions and descriptions
  ['3', [], ['x = 4 when y = 3', 'x = 4 if y = 3', 'x = 4 where t = 3']],
  [
    '100',
    ['So the answer is 100, a perfect square.', 'The answer is 100, an even number.'],
    ['The answer is 100, a second root is 90.'],
  ],
  [
    '113',
    [r`\boxed{m+n=113}`, 'm + n = 73 + 40 = 113', 'The answer is $p+q+r = 113$.'],
    ['m+n=114', '2x = 113', 'm = 113 + n'],
  ],
  ['11', ['#### Final\n\nShe has **11** left.', 'Ans. 11', 'Ans: 11', '✅ 11', '11 ✅'], ['Ans. 12']],
  ['3.14', ['The answer is approximately 3.14.', 'about 3.14'], ['about 3.2', 'about 3 to 4']],
  [
    'Evelyn',
    ['Evelyn has the greatest average speed.'],
    ['Evelyn has the greatest doubt, Ann', 'Nobody but Evelyn has the greatest speed.'],
  ],
  ['January', ['It is in January.'], ['It is not in January.']],
  [
    '12',
    ['答：一共有12个苹果。', '解得12', '还剩12个', '所以一共12元'],
    ['答：一共有12或13个苹果。', '还剩12万个'],
  ],
  ['x=2', ['解得x=2', '所以x=2'], ['解得x=3']],
  ['C', ['Choose C', 'Pick C.'], ['Choose C or D', 'Choose D', 'Pick B.']],
  [
    '18',
    ['La respuesta es 18.', 'Die Antwort ist 18.', 'La réponse est 18.'],
    ['La respuesta es 18 o 19.', 'Die Antwort ist nicht 18.', 'Die Antwort ist 18 oder 19.'],
  ],
  ['Thursday', ['on Thursday', 'Thu'], ['on Friday', 'Tue']],
  ['3rd place', ['third place'], ['second place']],
  ['2024', ['the year 2024'], ['the year 2025']],
  ['-12', ['负12'], ['负13']],
]
