import pc from 'picocolors'
import { shellWord } from '../../common/shell.ts'
import type { InitReport, InitWatch } from '../../recipes/init.ts'
import type { AnswerExample } from '../../stages/survey/model.ts'
import type { TableReport } from '../../stages/survey/table.ts'
import { type Output, percent } from './output.ts'
import { truncate } from './width.ts'

/** Width that text is wrapped at where the output is no terminal. */
const WIDTH = 80
/** Characters of a question that are shown, and lines of a response. */
const MOST_CHARACTERS = 240
const LINES = 6

/** Shows the table and the model's answers as soon as they are known. */
export function watchInit(output: Output): InitWatch {
  return {
    onProgress: (line) => output.live(line),
    onTable: (report) => {
      output.emit({ type: 'table', ...report })
      output.say(tableText(report))
    },
    onAnswers: (answers) => {
      output.emit({ type: 'answers', ...answers })
      for (const example of answers.examples) output.say(`\n${exampleText(example)}`)
      if (answers.score === null) return
      const { questions, responses, passAt1, sometimes } = answers.score
      output.say(
        `\n${aligned([
          ['pass@1', `${percent(passAt1)} (${responses} responses to ${count(questions, 'question')})`],
          ['sometimes right', `${sometimes} of ${count(questions, 'question')}`],
        ])}`,
      )
    },
  }
}

/** What will work, how long it takes, and the next command. */
export function summarizeInit(output: Output, report: InitReport): void {
  output.emit({ type: 'result', ...report })
  if (output.json) return
  const { verdict, estimate, out, next } = report
  output.result(`\n${pc.bold('What will work')}: ${verdict.title}`)
  for (const reason of verdict.reasons) output.result(wrapped(reason, '  '))
  if (estimate && (verdict.kind === 'reinforce' || verdict.kind === 'fine-tune'))
    output.result(
      `\n${pc.bold('Estimate')} (from the speed measured here)\n${aligned([
        ...(estimate.sft === null ? [] : [['sft', duration(estimate.sft)] as const]),
        ['zero', duration(estimate.zero)],
        ['eval', duration(estimate.eval)],
        ['memory', size(estimate.memory)],
      ])}`,
    )
  output.result(`\nwrote ${out}: settings for sft, zero and eval, to read and change`)
  output.result(`\n${pc.bold('Next')} ${pc.dim(`(${next.purpose})`)}\n  ${next.command}`)
}

function tableText(report: TableReport): string {
  const { file, columns, guesses, unused, rows, training, heldOut, share, problems, first } = report
  const name = (role: 'question' | 'answer' | 'thinking'): string => columns[role] ?? role
  const taken = ({ role, name }: TableReport['guesses'][0]): string =>
    `"${name}" is taken for the ${ROLES[role]} (another: --columns ${role}=NAME)`
  const facts = [
    ['question', name('question'), first.question],
    ...(report.answers ? [['answer', name('answer'), first.gold]] : []),
    ...(report.solutions > 0 ? [['solution', name('thinking'), first.thinking ?? '']] : []),
  ]
  const widths = [0, 1].map((i) => Math.max(...facts.map((fact) => fact[i]!.length))) as [number, number]
  return [
    `${pc.bold(file)}: ${count(rows, 'row')}`,
    ...facts.map(([what, column, text]) =>
      truncate(
        `  ${what!.padEnd(widths[0])}  ${column!.padEnd(widths[1])}  ${text!.replace(/\s+/g, ' ')}`,
        width(),
      ),
    ),
    ...guesses.map((guess) => wrapped(taken(guess), '  ')),
    ...(unused.length > 0 ? [wrapped(`not used: ${unused.join(', ')}`, '  ')] : []),
    `  ${training} to learn from, ${heldOut} held out${share === null ? ' by the names of the files' : ''}`,
    ...problems.map((problem) => wrapped(`${pc.yellow('!')} ${summary(problem)}`, '')),
    ...(problems.length > 0
      ? [`  npx ruminate tasks check ${shellWord(file)}   ${pc.dim('shows more of them')}`]
      : []),
  ].join('\n')
}

/** Rows of a name and a value. */
function aligned(rows: readonly (readonly [name: string, value: string])[]): string {
  const longest = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(longest)}   ${value}`).join('\n')
}

/** The heading of a list of problems, with the first one. */
function summary(problem: string): string {
  const [heading, first] = problem.split('\n').map((line) => line.trim())
  return first === undefined ? heading! : `${heading}, such as ${first}`
}

const ROLES = {
  question: 'question',
  answer: 'answer',
  thinking: 'worked solution',
  choices: 'choices',
  tests: 'test cases',
}

function exampleText({ question, response, answer, gold, correct }: AnswerExample): string {
  const mark = correct === null ? pc.yellow('not checked') : correct ? pc.green('right') : pc.red('wrong')
  const lines = response.trim().split('\n')
  const shown = lines.slice(0, LINES).map((line) => `  ${truncate(line, width() - 2)}`)
  return [
    wrapped(`Question ${truncate(oneLine(question), MOST_CHARACTERS)}`, '').replace('Question', pc.bold),
    ...shown.map((line) => pc.dim(line)),
    ...(lines.length > LINES ? [pc.dim(`  … ${count(lines.length - LINES, 'line')} more`)] : []),
    `  ${mark}: ${answer === null ? 'no answer' : `answered ${truncate(oneLine(answer), 24)}`}, expected ${truncate(oneLine(gold), 24)}`,
  ].join('\n')
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ')
const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`
const width = (): number => Math.min(process.stdout.columns || WIDTH, 100)

/** 260 → "about 4 minutes". */
export function duration(seconds: number): string {
  if (seconds < 10) return 'a few seconds'
  if (seconds < 55) return `about ${10 * Math.round(seconds / 10)} seconds`
  if (seconds < 90) return 'about a minute'
  if (seconds < 3300) return `about ${Math.round(seconds / 60)} minutes`
  if (seconds < 5400) return 'about an hour'
  if (seconds < 36 * 3600) return `about ${Math.round(seconds / 3600)} hours`
  return `about ${Math.round(seconds / 86_400)} days`
}

/** 1.3e9 → "about 1.5 GB". */
export function size(bytes: number): string {
  const halves = Math.ceil(bytes / 5e8) / 2
  return `about ${halves < 10 ? halves : Math.ceil(halves)} GB`
}

/** Breaks a text into lines of the terminal's width, each with the indent. */
function wrapped(text: string, indent: string): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width()) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}
