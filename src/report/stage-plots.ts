import { type MetricName, metricOf, type StageReport } from './stage-metrics.ts'
import { seedNames, spreadName, stageLines } from './stage-tables.ts'
import { smallMultiples } from './svg.ts'

/** The plot files with their panels. */
export const PLOTS: readonly {
  readonly file: string
  readonly title: string
  readonly panels: readonly {
    readonly title: string
    readonly series: readonly MetricName[]
    readonly baseline?: number
  }[]
}[] = [
  {
    file: 'reasoning.svg',
    title: 'Reasoning, stage by stage',
    panels: [
      { title: 'Accuracy', series: ['passAt1', 'majority'] },
      { title: 'Length (tokens)', series: ['easyTokens', 'hardTokens'] },
      { title: 'Language', series: ['language', 'mixed'] },
      { title: 'Form', series: ['readable', 'format'] },
    ],
  },
  {
    file: 'scenarios.svg',
    title: 'All scenarios, stage by stage',
    panels: [
      { title: 'Simple queries answered without thinking', series: ['simpleDirect'] },
      { title: 'Helpfulness: win rate against the previous stage', series: ['helpful'], baseline: 0.5 },
      { title: 'Harmful requests refused', series: ['harmfulRefused'] },
      { title: 'Harmless requests refused', series: ['harmlessRefused'] },
    ],
  },
]

/** The plots as SVG, by file name. */
export function plots(report: StageReport): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PLOTS.map(({ file, title, panels }) => [
      file,
      smallMultiples({
        title,
        note: `Bars: ${spreadName(report)}. Unknown values have no dot. ${seedNames(report)}`,
        categories: report.stages.map(({ stage, student }) => ({
          name: stage,
          lines: stageLines(stage).map((line) => line.replace(/,$/, '')),
          apart: student,
        })),
        panels: panels.map(({ title, series, ...panel }) => ({
          ...panel,
          title,
          share: metricOf(series[0]!).share,
          series: series.map((name) => ({
            label: metricOf(name).label,
            points: report.stages.map(({ cells }) => cells[name]),
          })),
        })),
      }),
    ]),
  )
}
