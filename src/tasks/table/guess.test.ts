import { expect, test } from 'vitest'
import type { Columns } from './columns.ts'
import { guessColumns } from './guess.ts'

const cases: [names: string[], given: Columns, columns: Columns, guessed: string[]][] = [
  [['question', 'answer'], {}, { question: 'question', answer: 'answer' }, []],
  [['Question', 'Answer'], {}, { question: 'Question', answer: 'Answer' }, ['question', 'answer']],
  [['qestion', 'anwser'], {}, { question: 'qestion', answer: 'anwser' }, ['question', 'answer']],
  [
    ['id', 'problem', 'final answer'],
    {},
    { question: 'problem', answer: 'final answer' },
    ['question', 'answer'],
  ],
  [
    ['question', 'answer', 'solution'],
    {},
    { question: 'question', answer: 'answer', thinking: 'solution' },
    ['thinking'],
  ],
  // as in MATH: the answer is in the solution
  [['problem', 'solution'], {}, { question: 'problem', answer: 'solution' }, ['question', 'answer']],
  [
    ['Frage', 'Antwort', 'Lösung'],
    {},
    { question: 'Frage', answer: 'Antwort', thinking: 'Lösung' },
    ['question', 'answer', 'thinking'],
  ],
  [['question', 'key', 'answer'], { answer: 'key' }, { question: 'question', answer: 'key' }, []],
  // the prompt is the question, and so not the answer's near name
  [['prompt', 'response'], {}, { question: 'prompt', answer: 'response' }, ['question', 'answer']],
  [['question', 'tests'], { tests: 'tests' }, { question: 'question', tests: 'tests' }, []],
  [['messages'], {}, { question: 'messages' }, ['question']],
  [['question', 'answer'], { answer: null }, { question: 'question', answer: null }, []],
  [['question', 'choices', 'answer'], {}, { question: 'question', answer: 'answer', choices: 'choices' }, []],
  [
    ['Question', 'Options', 'answerKey'],
    {},
    { question: 'Question', answer: 'answerKey', choices: 'Options' },
    ['question', 'answer', 'choices'],
  ],
  // the choice a is not the answer
  [
    ['problem', 'a', 'b', 'c', 'correct'],
    {},
    { question: 'problem', answer: 'correct', choices: ['a', 'b', 'c'] },
    ['question', 'answer', 'choices'],
  ],
  [['Q', 'A'], {}, { question: 'Q', answer: 'A' }, ['question', 'answer']],
  [['prompt', 'test_cases'], {}, { question: 'prompt', tests: 'test_cases' }, ['question', 'tests']],
  [['question', 'answer', 'tests'], {}, { question: 'question', answer: 'answer' }, []],
  [['问题', '答案'], {}, { question: '问题', answer: '答案' }, ['question', 'answer']],
  [['x', 'y'], {}, {}, []],
]

test.each(cases)('%j with %j', (names, given, columns, guessed) => {
  const found = guessColumns(names, given)
  expect(found.columns).toEqual(columns)
  expect(found.guesses.map(({ role }) => role)).toEqual(guessed)
})

test("verl's columns are not guessed", () => {
  expect(guessColumns(['data_source', 'prompt', 'reward_model'], {}).columns).toEqual({})
})
