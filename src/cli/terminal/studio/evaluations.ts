import { type Dirent, existsSync, readdirSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { figuresOf } from '../../../evaluation/plots/figures.ts'
import { type CellResult, RESULTS_FILE, type Results, readResults } from '../../../evaluation/results.ts'
import { rowsOf } from '../../../evaluation/rows.ts'
import { ANSWERS_FILE, AnswerStore } from '../../../evaluation/store/store.ts'
import type { Evaluations } from '../../../serve/studio/control.ts'

/** Evaluations are looked for down to this depth below the folder of the runs. */
const DEPTH = 3
/** Answers that are sent at most. */
const LIMIT = 500

/** The evaluations in and below the folder of the runs. */
export function openEvaluations(root: string): Evaluations {
  const folderOf = (id: string): string | null => (list().includes(id) ? join(root, id) : null)

  const list = (): string[] => {
    const look = (id: string, depth: number): string[] => {
      const folder = join(root, id)
      if (!isInside(root, folder)) return []
      const inner = entriesOf(folder).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      return [
        ...(id !== '' && existsSync(join(folder, RESULTS_FILE)) && areInside(root, folder) ? [id] : []),
        ...(depth < DEPTH
          ? inner.flatMap(({ name }) => look(id === '' ? name : `${id}/${name}`, depth + 1))
          : []),
      ]
    }
    return look('', 0)
  }

  return {
    list: () =>
      list().map((id) => {
        try {
          const { created, cells } = readResults(join(root, id))
          const distinct = (of: (cell: CellResult) => string): string[] => [...new Set(cells.map(of))]
          return {
            id,
            created,
            models: distinct((c) => c.model),
            tasks: distinct((c) => c.task),
            problem: null,
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          return { id, created: null, models: [], tasks: [], problem: error.message }
        }
      }),
    read(id) {
      const folder = folderOf(id)
      if (folder === null) return null
      const results = readResults(folder)
      const { created, seconds, cells, recorded } = results
      const rows = rowsOf(cells).map(({ cell, ...row }) => ({ ...row, cell: cells.indexOf(cell) }))
      return { id, created, seconds, rows, cells, recorded, figures: figuresIn(results) }
    },
    answers(id, cellNumber, question) {
      const folder = folderOf(id)
      const cell = folder === null ? undefined : readResults(folder).cells[cellNumber]
      if (folder === null || cell === undefined) return null
      const store = AnswerStore.read(folder)
      try {
        const keys = question === undefined ? cell.values.map(({ key }) => key) : [question]
        const answers: object[] = []
        for (const key of keys)
          for (const [i, of] of cell.keys.entries())
            for (const { response, ...answer } of store.answers(of, key).slice(0, cell.samples)) {
              if (answers.length === LIMIT) return { answers, isWhole: false }
              const { thinking, answer: text, end } = response
              answers.push({
                ...answer,
                seed: cell.seeds[i],
                thinking,
                text,
                stopReason: end.reason,
                thinkingTokens: end.usage.thinkingTokens,
                completionTokens: end.usage.completionTokens,
              })
            }
        return { answers, isWhole: true }
      } finally {
        store.close()
      }
    },
  }
}

/** The pictures as JSON has them: a cell is its number, and ticks are pairs. */
const figuresIn = (results: Results): object[] =>
  figuresOf(results).map((figure) => ({
    ...figure,
    panels: figure.panels.map(({ x, series, ...panel }) => ({
      ...panel,
      x: { ...x, ticks: x.ticks ? [...x.ticks] : null },
      series: series.map((line) => ({
        ...line,
        points: line.points.map(({ of, ...point }) => ({
          ...point,
          of: of ? { ...of, cell: results.cells.indexOf(of.cell) } : null,
        })),
      })),
    })),
  }))

/** What is in a folder; nothing if it may not be looked into, or was deleted a moment ago. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Is a path below the folder of the runs, once its links are followed? */
const isInside = (root: string, path: string): boolean =>
  `${realpathSync(path)}${sep}`.startsWith(`${realpathSync(root)}${sep}`)

/** Are the files of an evaluation below the folder of the runs, or links to such a place? */
const areInside = (root: string, folder: string): boolean =>
  [RESULTS_FILE, ANSWERS_FILE]
    .map((name) => join(folder, name))
    .every((file) => !existsSync(file) || isInside(root, file))
