import { type Row, r } from '../row.ts'

/** Answers in worked solutions: headings, side remarks, results of calculations, later statements. */
export const statements: readonly Row[] = [
  [
    '42',
    [
      '#### Step 1: add\n40+2 = 42\n\nThe answer is 42.',
      'The answer is 42, not 43.',
      'The answer is 42 rather than 43.',
      'The answer is $42$ instead of $43$.',
      'So we get 42, not 43.',
      'It is $42$, not $43$.',
      '42, not 44',
      'The answer is 42 and it is even.',
      'The answer is 42 and this is the largest one.',
      'The answer is $42$, it is composite.',
      '### Step 2\n40+2 = 42\n\n### Answer\n42',
      '#### Step 1: 40 + 2\nThis is 42.',
      'The answer is 42, which is even.',
      'The answer is 42, it is even.',
      'The correct answer is 42 because it is even.',
    ],
    [
      'The answer is not 42.',
      'The answer is not 43, but it is not 42.',
      'It is not 42, but 43.',
      '42 or 43, not 44',
      'The answer is 42 and the other is 43.',
    ],
  ],
  [
    '18',
    [
      '#### Step 3: Multiply by 3\n6 * 3 = 18\n\nSo she earns **18** dollars.',
      '#### 18\n\n#### Explanation\n6 * 3 = 18 and 3 + 3 = 6',
      '#### Final Answer\n18',
      '### Final Answer\n\n18',
      '**Final Answer**\n18',
      '**Final answer:** 18',
      '## Answer\n\n**18**',
      '#### Answer: 18\n\nThis is because 6*3 = 18.',
      '#### 18 dollars\n\nI hope it helps.',
    ],
    [
      '#### Step 18: done\n\n**17**',
      '#### Calculation\n\nThe total is $3 + 4 = 7$.',
      'The answer is 42, not 43.',
    ],
  ],
  ['3', [], ['#### Step 3\nWe multiply.', '#### Part 3\nWe are done.']],
  [
    '6',
    ['Therefore there are 6 dogs; the other 4 are cats.'],
    ['#### 18\n\n#### Explanation\n6 * 3 = 18 and 3 + 3 = 6', 'x = 9, as claimed.'],
  ],
  ['17', [], ['#### Final Answer\n18']],
  [
    '7',
    [
      '#### Calculation\n\nThe total is $3 + 4 = 7$.',
      'So there are 7 boys; the remaining 5 are girls.',
      'There are 7 boys (the other 5 are girls).',
      'The answer is 7 and the quotient is 3.',
      'The answer is 7, so the total is 14.',
    ],
    [
      '#### 18 dollars\n\nI hope it helps.',
      'Her average is 85, which is greater than 80.',
      '#### Step 1: add\n40+2 = 42\n\nThe answer is 42.',
    ],
  ],
  [
    '43',
    [
      'The answer is 43, not 42.',
      'The answer is 43 (not 42).',
      'The answer is 43 and not 42.',
      "It's 43, not 42.",
    ],
    ['The answer is 42, not 43.', 'The answer is 42 and the other is 43.', 'The answer is B, not C.'],
  ],
  [
    'C',
    [
      'The answer is C, not D.',
      'C is correct; A, B and D are not.',
      'C is correct, A and B are wrong.',
      'C) 12\nExplanation: A is smaller.',
    ],
    ['C is correct; so is A.', 'C) 12\nExplanation: A is right.\nSo A', 'The answer is 42 and it is even.'],
  ],
  ['D', [], ['The answer is C, not D.']],
  [
    'A',
    ['A) 5\nExplanation: B is too large.', 'A. 5\n\nReason: since B > A.'],
    [
      'C is correct; A and B are not.',
      r`so she needs \boxed{12} more. Final Answer: The final answer is $36$.`,
    ],
  ],
  [
    '9',
    ['x = 9, as claimed.', 'n = 9, as desired.'],
    ['The answer is 9 and the other answer is 4.', 'A) 5\nExplanation: B is too large.'],
  ],
  [
    '1/3',
    ['The answer is 1/3, that is 2/6.'],
    ['The answer is 1/3, i.e. 1/2.', 'The answer is 50%, i.e. 1/2.'],
  ],
  [
    '1/2',
    ['The answer is 50%, i.e. 1/2.'],
    ['The answer is 1/3, i.e. 1/2.', 'The total is $30, i.e. $10 for each of the 3 friends.'],
  ],
  [
    '30',
    [
      'The total is $30, i.e. $10 for each of the 3 friends.',
      'So 50 - 20 = 30 marbles, which she gives to 3 friends.',
      'The last trip takes 100-50-20=30 minutes.',
    ],
    ['x = 12, as desired.', 'He earns $24, i.e. $8 for each of the 3 hours.'],
  ],
  ['10', [], ['The total is $30, i.e. $10 for each of the 3 friends.']],
  [
    '12',
    ['x = 12, as desired.', 'We get 12, as claimed.'],
    ['So there are 7 boys; the remaining 5 are girls.'],
  ],
  [
    '5',
    ['We have 10/2 = 5 groups of 2.'],
    ['So there are 7 boys; the remaining 5 are girls.', 'She has 20 left, as 30 - 10 = 20.'],
  ],
  [
    '85',
    ['Her average is 85, which is greater than 80.'],
    [r`\boxed{255} is the gain. Final Answer: The final answer is $10,455$.`],
  ],
  ['80', [], ['Her average is 85, which is greater than 80.']],
  [
    '10455',
    [r`\boxed{255} is the gain. Final Answer: The final answer is $10,455$.`],
    [r`Final Answer: The final answer is 7. \boxed{255}`],
  ],
  [
    '255',
    [r`Final Answer: The final answer is 7. \boxed{255}`, '\\boxed{255}\nFinal answer: see above'],
    [
      r`\boxed{255} is the gain. Final Answer: The final answer is $10,455$.`,
      'The recipe needs 60-15-25=20 cups.',
    ],
  ],
  [
    '20',
    [
      'The recipe needs 60-15-25=20 cups.',
      'She has 20 left, as 30 - 10 = 20.',
      '20 is the total for the 4 days.',
    ],
    ['So 10 - 2 - 1 = 7 shirts, which cost $21.', 'The answer is 42 and it is even.'],
  ],
  ['21', ['So 10 - 2 - 1 = 7 shirts, which cost $21.'], ['They eat 60 x 5 = 300 of them in 5 minutes.']],
  ['300', ['They eat 60 x 5 = 300 of them in 5 minutes.'], ['C) 12\nExplanation: A is smaller.']],
  [
    '8',
    [
      '## Step 1\n5+3\n## Step 2\n= 8',
      '#### Final answer\n$8$',
      '#### Final answer:\n\n$$8$$',
      '#### Therefore\n\nThe total is 8 apples.',
      '#### Summary\n- 5 red\n- 3 blue\n\n**Total: 8**',
      '**Final answer**\n\n8',
      '**Answer:** 8',
      '**Final Answer: 8**',
      '#### Verification\n5+3 = 8 ✓\n\n**Answer: 8**',
    ],
    ['The answer is 43, not 42.'],
  ],
  [
    'B',
    ['The answer is B, not C.', 'B, not C', 'B is correct; A and C are incorrect.', 'B is right, not A.'],
    ['It is Monday, not Sunday.'],
  ],
  ['Monday', ['It is Monday, not Sunday.'], ['No, not at all.']],
  ['no', ['No, not at all.'], ['So 50 - 20 = 30 marbles, which she gives to 3 friends.']],
  [
    '24',
    ['He earns $24, i.e. $8 for each of the 3 hours.'],
    ['The mean of 4 scores equals 88, which is above 80.'],
  ],
  [
    '88',
    ['The mean of 4 scores equals 88, which is above 80.'],
    ['Therefore there are 6 dogs; the other 4 are cats.'],
  ],
  [
    '36',
    [
      r`so she needs \boxed{12} more. Final Answer: The final answer is $36$.`,
      r`\boxed{12} ... The final answer is 36.`,
    ],
    ['Each box costs $2, so 7 boxes cost $14.'],
  ],
  ['14', ['Each box costs $2, so 7 boxes cost $14.'], ['We have 10/2 = 5 groups of 2.']],
]

/** Boxes that hold words, or are damaged. */
export const boxedWords: readonly Row[] = [
  [
    '7',
    [
      r`\boxed{\text{The answer is }7}`,
      r`\boxed{\text{Answer: }7}`,
      r`\boxed{The answer is 7}`,
      r`\boxed{7\}`,
      r`The answer is \boxed{7\}.`,
      r`\boxed{7}\boxed{\text{cm}}`,
    ],
    [
      r`\boxed{\text{The answer is }8}`,
      r`\boxed{\text{The answer is not }7}`,
      r`\boxed{\text{The answer is }7\text{ or }8}`,
      r`\boxed{8\}`,
      r`\boxed{7}\boxed{x}`,
      r`\boxed{7}\boxed{8}`,
    ],
  ],
  [r`\{1,2\}`, [r`\boxed{\{1,2\}}`], [r`\boxed{7}\boxed{\text{cm}}`]],
  ['7 cm', [r`\boxed{7}\boxed{cm}`], ['7\tand\t8']],
  ['7 kg', [], [r`\boxed{7}\boxed{cm}`]],
  ['7, 8', ['7\tand\t8', '7\tand 8'], ['\tx']],
  ['x', ['\tx'], [r`\log_28`]],
  ['3', [r`\log_28`], [r`\log_29`, r`\log_216`]],
  ['4', [r`\log_216`], [r`\log_{10}100`]],
  ['2', [r`\log_{10}100`, r`\log_10 100`], [r`\log_25`]],
  [r`\log_2 5`, [r`\log_25`], ['The answer is one third, i.e. 1/3.']],
  [
    '1/3',
    ['The answer is one third, i.e. 1/3.'],
    ['The answer is one third, i.e. 1/2.', r`\boxed{\text{The answer is } 9}`],
  ],
  [
    '9',
    [
      r`\boxed{\text{The answer is } 9}`,
      r`\boxed{9\}$`,
      r`\boxed{9}\boxed{m}`,
      r`\boxed{\text{Answer: } 9}`,
      r`\boxed{\text{The total is }9}`,
      r`\boxed{9 \text{ cm}`,
      r`\boxed{\mathbf{9}}`,
      r`$\boxed{9}$ cm`,
    ],
    [r`\boxed{\text{The answer is }7}`],
  ],
]
