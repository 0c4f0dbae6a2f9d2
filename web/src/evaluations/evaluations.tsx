import type { EvaluationSummary } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { shortPath, UNKNOWN, when } from '../numbers.ts'
import { Command, Empty, Read } from '../parts/notice.tsx'
import { link } from '../router.ts'

/** The evaluations that were kept: accuracy against samples, thinking and training. */
export function Evaluations() {
  const resource = useResource<{ evals: readonly EvaluationSummary[] }>('evals')
  return (
    <>
      <h1>Test-time compute</h1>
      <Read of={resource} what="the evaluations">
        {({ evals }) => (evals.length > 0 ? <Table evaluations={evals} /> : <NoEvaluations />)}
      </Read>
    </>
  )
}

const NoEvaluations = () => (
  <Empty title="No evaluation is kept in this folder">
    <p>
      This asks a model with more and more samples and thinking, and keeps every answer:
      <br />
      <Command>
        npx ruminate eval --model runs/zero-1 --strategy vote --samples 1,2,4,8 --budget 16,64,none --out
        runs/eval-1
      </Command>
    </p>
  </Empty>
)

const Table = ({ evaluations }: { evaluations: readonly EvaluationSummary[] }) => (
  <table class="runs">
    <caption class="hidden">Evaluations, newest first</caption>
    <thead>
      <tr>
        <th scope="col">Evaluation</th>
        <th scope="col">Models</th>
        <th scope="col">Tasks</th>
        <th scope="col">Measured</th>
      </tr>
    </thead>
    <tbody>
      {evaluations
        .toSorted((a, b) => (b.created ?? '').localeCompare(a.created ?? ''))
        .map(({ id, created, models, tasks, problem }) => (
          <tr key={id}>
            <th scope="row">
              <a href={link(['eval', id])}>{id}</a>
              {problem && <span class="note wrong">{problem}</span>}
            </th>
            <td data-label="Models">{models.map(shortPath).join(', ') || UNKNOWN}</td>
            <td data-label="Tasks">{tasks.map(shortPath).join(', ') || UNKNOWN}</td>
            <td data-label="Measured" class="quiet">
              {created === null ? UNKNOWN : when(created)}
            </td>
          </tr>
        ))}
    </tbody>
  </table>
)
