import type { Evaluation, EvaluationCell, EvaluationRow, Figure, FigurePoint } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { percent, plural, short, shortPath, when } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { Read } from '../parts/notice.tsx'
import { PanelPlot } from '../plots/panel-plot.tsx'
import { link, route } from '../router.ts'
import { Answers } from './answers.tsx'

/** One evaluation: its plots, of which each point leads to its answers, and its table. */
export function EvaluationPage({ id }: { id: string }) {
  const resource = useResource<Evaluation>(`evals/${encodeURIComponent(id)}`)
  return (
    <Read of={resource} what={`the evaluation ${id}`}>
      {(evaluation) => <Shown evaluation={evaluation} />}
    </Read>
  )
}

function Shown({ evaluation }: { evaluation: Evaluation }) {
  const { id, created, cells, figures, rows } = evaluation
  const { query } = route.value
  const cell = cells[Number(query.cell ?? Number.NaN)]
  return (
    <>
      <div class="head">
        <div>
          <h1>{id}</h1>
          <p class="facts">
            <span>{distinct(cells.map(({ model }) => shortPath(model)))}</span>
            <span>{distinct(cells.map(({ task }) => shortPath(task)))}</span>
            <span>{plural(Math.max(0, ...cells.map(({ questions }) => questions)), 'question')}</span>
            <span class="quiet">{when(created)}</span>
          </p>
        </div>
      </div>
      {figures.map((figure) => (
        <FigurePlots key={figure.title} id={id} figure={figure} />
      ))}
      <Rows id={id} rows={rows} cells={cells} />
      {cell && (
        <Answers key={query.cell} id={id} number={Number(query.cell)} cell={cell} name={nameOf(cell, [])} />
      )}
    </>
  )
}

const addressOf = (id: string, cell: number, measure: string, difficulty: string | null = null): string =>
  link(['eval', id], { cell, measure, kind: difficulty })

function FigurePlots({ id, figure: { title, note, panels } }: { id: string; figure: Figure }) {
  const { query } = route.value
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))]
  const isChosen = ({ of }: FigurePoint) =>
    of !== null &&
    String(of.cell) === query.cell &&
    of.measure === query.measure &&
    (of.difficulty ?? undefined) === query.kind
  return (
    <section class="figures">
      <h2>{title}</h2>
      <p class="quiet">{note} A click on a point shows the answers behind it.</p>
      <div class="charts">
        {panels.map((panel) => (
          <PanelPlot
            key={panel.title}
            panel={panel}
            names={names}
            linkOf={({ of }) => of && addressOf(id, of.cell, of.measure, of.difficulty)}
            isChosen={isChosen}
          />
        ))}
      </div>
    </section>
  )
}

interface RowsProps {
  readonly id: string
  readonly rows: readonly EvaluationRow[]
  readonly cells: readonly EvaluationCell[]
}

function Rows({ id, rows, cells }: RowsProps) {
  const { query } = route.value
  const save = () =>
    download(
      `${id.replaceAll('/', '-')}.csv`,
      csv(
        [
          'model',
          'task',
          'strategy',
          'budget',
          'effort',
          'measure',
          'accuracy',
          'low',
          'high',
          'thinkingTokens',
        ],
        rows.map(({ cell, measure, accuracy, thinkingTokens }) => {
          const { model, task, strategy, budget, effort } = cells[cell]!
          const { mean, low, high } = accuracy
          return [model, task, strategy, budget, effort, measure, mean, low, high, thinkingTokens]
        }),
      ),
    )
  return (
    <section>
      <div class="toolbar">
        <h2>All accuracies</h2>
        <button type="button" class="plain end" onClick={save}>
          Save as CSV
        </button>
      </div>
      <table class="accuracies">
        <caption class="hidden">The accuracies of this evaluation; each leads to its answers</caption>
        <thead>
          <tr>
            <th scope="col">How it was asked</th>
            <th scope="col">Measure</th>
            <th scope="col" class="number">
              Right
            </th>
            <th scope="col" class="number">
              95 % interval
            </th>
            <th scope="col" class="number">
              Thinking tokens
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ number, cell, measure, accuracy, thinkingTokens }) => (
            <tr
              key={number}
              aria-current={String(cell) === query.cell && measure === query.measure ? 'true' : undefined}
            >
              <th scope="row">
                <a href={addressOf(id, cell, measure)}>{nameOf(cells[cell]!, cells)}</a>
              </th>
              <td>{measure}</td>
              <td class="number">{percent(accuracy.mean)}</td>
              <td class="number">
                {percent(accuracy.low)} – {percent(accuracy.high)}
              </td>
              <td class="number">{short(thinkingTokens)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** "vote, at most 64 thinking tokens", and the model and task if those of `cells` are not all the same. */
function nameOf(
  { model, task, strategy, budget, effort }: EvaluationCell,
  cells: readonly EvaluationCell[],
): string {
  return [
    ...(cells.length > 0 && cells.every((cell) => cell.model === model) ? [] : [shortPath(model)]),
    ...(cells.length > 0 && cells.every((cell) => cell.task === task) ? [] : [shortPath(task)]),
    strategy,
    ...(budget === null ? [] : [`at most ${budget} thinking tokens`]),
    ...(budget === null && cells.some((cell) => cell.budget !== null) ? ['thinking without limit'] : []),
    ...(effort === null ? [] : [`effort ${effort}`]),
  ].join(', ')
}

const distinct = (names: readonly string[]): string => [...new Set(names)].join(', ')
