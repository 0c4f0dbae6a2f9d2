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
