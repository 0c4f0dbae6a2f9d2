import { UserError } from '../common/errors.ts'
import type { StageMeasure } from '../stages/evaluate/scenarios.ts'
import {
  type Cell,
  type Metric,
  type MetricName,
  metricNames,
  metricOf,
  type RunStages,
  type StageReport,
} from './stage-metrics.ts'

/**
 * Combines the stages of one run, or of several runs with different seeds, into one table.
 *
 * @throws UserError if the runs have different stages or equal seeds.
 */
export function combineReports(runs: readonly RunStages[]): StageReport {
  const [first] = runs
  if (!first) throw new UserError('there is no run to report on')
  const repeated = runs.find(({ seed }, i) => runs.findIndex((run) => run.seed === seed) < i)
  if (repeated)
    throw new UserError(`two runs have the seed ${repeated.seed}; a spread over seeds needs different seeds`)
  const stages = first.stages.map(({ stage }) => stage)
  for (const { seed, stages: others } of runs)
    if (others.map(({ stage }) => stage).join('\n') !== stages.join('\n'))
      throw new UserError(
        `the run of seed ${seed} has the stages ${others.map(({ stage }) => `"${stage}"`).join(', ')}, but the run of seed ${first.seed} has ${stages.map((stage) => `"${stage}"`).join(', ')}; only runs with the same stages can be combined`,
      )
  const measures = runs.flatMap((run) => run.stages.map(({ measure }) => measure))
  const comparisons = measures.flatMap(({ helpful }) => (helpful ? [helpful] : []))
  return {
    seeds: runs.map(({ seed }) => seed),
    stages: first.stages.map(({ stage, student = false, measure }, i) => ({
      stage,
      student,
      template: measure.asked.template,
      cells: Object.fromEntries(
        metricNames.map((name) => [
          name,
          cellOf(
            metricOf(name),
            runs.map((run) => run.stages[i]!.measure),
          ),
        ]),
      ) as Record<MetricName, Cell>,
    })),
    conditions: measures.map(({ asked }) => asked),
    undecided: comparisons.reduce((sum, { unknown }) => sum + unknown, 0),
    compared: comparisons.reduce((sum, { win, tie, loss, unknown }) => sum + win + tie + loss + unknown, 0),
  }
}

function cellOf(metric: Metric, measures: readonly StageMeasure[]): Cell {
  const values = measures.map(metric.value).filter((value) => value !== null)
  const n = values.length
  if (n === 0) return { mean: null, spread: null, runs: 0 }
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  // s² = Σ (x − mean)² / (n − 1)
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const spread = measures.length === 1 ? (metric.error?.(measures[0]!) ?? null) : n > 1 ? deviation : null
  return { mean, spread, runs: n }
}
