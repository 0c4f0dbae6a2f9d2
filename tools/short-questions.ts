import { writeFileSync } from 'node:fs'
import { loadTask } from '../src/tasks/index.ts'

/*
 * Makes a table of the questions of a task whose written solutions have at most so many lines, for small models:
 *
 *   npx tsx tools/short-questions.ts gsm8k 2 gsm8k-short.jsonl        from the hub; gsm8k:FOLDER for files on this machine
 */
const [name, lines, file] = process.argv.slice(2)
if (name === undefined || file === undefined || !(Number(lines) >= 1))
  throw new Error('npx tsx tools/short-questions.ts TASK LINES FILE.jsonl')

const task = await loadTask(name, { solutions: true })
const solved = task.solved?.({ side: 'training', seed: 0 }) ?? []
const short = solved.filter(
  ({ thinking }) => thinking !== null && thinking.split('\n').length <= Number(lines),
)
const rows = short.map(({ question, thinking, answer }) => ({
  question: question.prompt,
  solution: thinking,
  answer,
}))
writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
console.log(`${rows.length} of ${solved.length} questions in ${file}`)
