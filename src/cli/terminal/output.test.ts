import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Screen } from '../../testing/screen.ts'
import { Output } from './output.ts'

const FACTS = ['step 12/100', '0:40 left', 'reward 0.123', '12.0 % right', '35 tokens', '900 tok/s']
const SAMPLE = '<think>\nTry 7+3=10\ncheck 10-10=0\nWait, wrong.\n</think>\n<answer>7+3</answer>'

let screen: Screen
const streams = [process.stdout, process.stderr]
const kept = streams.map(({ isTTY, columns }) => ({ isTTY, columns }))
/** Both streams are a terminal of these columns. */
function resize(columns: number): void {
  screen.columns = columns
  for (const stream of streams) Object.assign(stream, { isTTY: true, columns })
}
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  for (const name of ['CI', 'NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, '')
  vi.stubEnv('TERM', 'xterm-256color')
  screen = new Screen(80)
  resize(80)
  for (const stream of streams)
    vi.spyOn(stream, 'write').mockImplementation((text) => screen.write(String(text)))
})
afterEach(() => {
  new Output({}).endLive()
  vi.useRealTimers()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  for (const [i, stream] of streams.entries()) Object.assign(stream, kept[i])
})

describe('the live area', () => {
  test.each([
    [80, 'step 12/100 · 0:40 left · reward 0.123 · 12.0 % right · 35 tokens · 900 tok/s'],
    [60, 'step 12/100 · 0:40 left · reward 0.123 · 12.0 % right'],
    [41, 'step 12/100 · 0:40 left · reward 0.123'],
    [40, 'step 12/100 · 0:40 left'],
    [12, 'step 12/…'],
  ])('%d columns: the facts that fit, and the end of the sample', (columns, facts) => {
    resize(columns)
    const output = new Output({})
    output.step(FACTS, SAMPLE)
    const [first, second, ...more] = screen.rows
    expect(first).toBe(facts)
    expect(second!.length).toBeLessThanOrEqual(columns - 3)
    expect(second!.slice(-8)).toBe('</answer>'.slice(-8))
    expect(more).toEqual([])
  })

  test('it is redrawn in place, and nothing is left of it', () => {
    const output = new Output({})
    output.say('begin')
    for (let step = 1; step <= 20; step++) {
      vi.advanceTimersByTime(700)
      output.step([`step ${step}`, 'x'.repeat(step)], `sample ${step}`)
    }
    expect(screen.rows).toEqual(['begin', `step 20 · ${'x'.repeat(20)}`, 'sample 20'])
    output.say('end')
    expect(screen.rows).toEqual(['begin', 'end'])
  })

  test.each([[79], [50], [40], [33], [20]])('a terminal that becomes %d columns wide', (columns) => {
    const output = new Output({})
    output.say('begin')
    output.step(FACTS, SAMPLE)
    resize(columns)
    process.stdout.emit('resize')
    expect(screen.rows.length).toBe(3)
    for (const row of screen.rows) expect(row.length).toBeLessThanOrEqual(columns)
    output.result('end')
    expect(screen.rows).toEqual(['begin', 'end'])
  })

  test('a warning has lines of its own, and the live area goes on below it', () => {
    const output = new Output({})
    output.step(['step 1'], 'sample')
    output.warn(`half of the rows ${'are of no use '.repeat(6)}: \`ruminate tasks check a.csv\` lists them`)
    expect(screen.rows.slice(-2)).toEqual(['step 1', 'sample'])
    expect(screen.rows[0]).toMatch(/^warning half of the rows/)
    expect(screen.rows.slice(1, -2).join('\n')).toContain('`ruminate tasks check a.csv`')
    for (const row of screen.rows) expect(row.length).toBeLessThanOrEqual(80)
  })

  test.each([[['step 1', 'y'.repeat(200)]], [['x'.repeat(200)]]])(
    'a message after the ^C of the terminal',
    (facts) => {
      const output = new Output({})
      output.step(facts, 'z'.repeat(200))
      screen.write('^C')
      output.endLive()
      process.stderr.write('stopping\n')
      expect(screen.rows).toEqual(['stopping'])
    },
  )

  test('a message after the ^C of the terminal where nothing is live', () => {
    const output = new Output({})
    output.say('begin')
    screen.write('^C')
    output.endLive()
    process.stderr.write('stopping\n')
    expect(screen.rows).toEqual(['begin', 'stopping'])
  })

  test('an activity shows how long it takes, and takes the place of a step that is old', () => {
    const output = new Output({})
    output.live('opening the model')
    expect(screen.rows).toEqual(['opening the model'])
    vi.advanceTimersByTime(4000)
    expect(screen.rows).toEqual(['opening the model · 4 s'])
    output.step(['step 1/9', '0:40 left', 'reward 1'], 'sample')
    output.live('learning')
    expect(screen.rows).toEqual(['step 1/9 · 0:40 left · reward 1', 'sample'])
    vi.advanceTimersByTime(2000)
    expect(screen.rows).toEqual(['step 1/9 · learning · 2 s · 0:40 left', 'sample'])
    output.live('sampling: 2 of 80')
    output.live('sampling: 3 of 80')
    vi.advanceTimersByTime(9000)
    expect(screen.rows).toEqual(['step 1/9 · sampling: 3 of 80 · 0:40 left', 'sample'])
  })

  test('JSON lines on the same terminal stay whole', () => {
    const output = new Output({ json: true })
    output.live('opening the model')
    output.emit({ type: 'step' })
    expect(screen.rows).toEqual(['{"type":"step"}', 'opening the model'])
  })

  test('a terminal that keeps what is erased as a whole keeps nothing of it', () => {
    let written = ''
    for (const stream of streams)
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        written += text
        return true
      })
    const output = new Output({})
    output.live('opening the model')
    output.step(FACTS, SAMPLE)
    output.say('end')
    // erasing from the cursor on, which tmux takes for a clear of the screen where the cursor is in its first row
    expect(written).not.toContain('\x1b[J')
  })
})

describe('plain lines', () => {
  const plain: [string, () => void][] = [
    ['a file or pipe', () => streams.forEach((stream) => void Object.assign(stream, { isTTY: false }))],
    ['NO_COLOR', () => vi.stubEnv('NO_COLOR', '1')],
    ['TERM=dumb', () => vi.stubEnv('TERM', 'dumb')],
    ['CI', () => vi.stubEnv('CI', 'true')],
  ]
  test.each(plain)('%s', (_, begin) => {
    begin()
    let written = ''
    for (const stream of streams)
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        written += text
        return true
      })
    const output = new Output({})
    output.live('opening the model')
    output.live('evaluation: 1 of 300')
    output.step(FACTS, SAMPLE)
    output.say('\u001b[1mbegin\u001b[22m')
    output.warn('careful')
    vi.advanceTimersByTime(40_000)
    output.live('evaluation: 2 of 300')
    output.live('evaluation: 3 of 300')
    output.endLive()
    expect(written).toBe('opening the model\nbegin\nwarning careful\nevaluation: 2 of 300\n')
  })

  test('nothing but results when quiet', () => {
    const output = new Output({ quiet: true })
    output.live('opening the model')
    output.step(FACTS, SAMPLE)
    output.say('begin')
    output.result('end')
    expect(screen.rows).toEqual(['end'])
  })
})

test('a warning that is given once', () => {
  const output = new Output({})
  output.warnOnce('careful')
  output.warnOnce('careful')
  expect(screen.rows).toEqual(['warning careful'])
})
