import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onDisk } from '../common/files/disk.ts'
import { makeFolder } from '../common/files/files.ts'
import type { PromptTemplate } from '../renderer/renderer.ts'
import { metricNames, metricOf, type StageReport, valuesOf } from './stage-metrics.ts'
import { PLOTS, plots } from './stage-plots.ts'
import { markdownTable } from './stage-tables.ts'

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Sentences about which stages were prompted in which template. */
function templates({ stages }: StageReport): string {
  const of = (template: PromptTemplate) =>
    stages.filter((stage) => stage.template === template).map(({ stage }) => stage.replace(',', ':'))
  const sentence = (title: string, names: readonly string[]) =>
    names.length > 0 ? [`${title}: ${names.join(', ')}.`] : []
  return [
    ...sentence('Prompted in R1-Zero’s template', of('r1-zero')),
    ...sentence('Prompted in a chat template', of('chat')),
  ].join(' ')
}

/** The report as Markdown, with links to the plots in `plots/`. */
export function markdownReport(report: StageReport, { title = 'R1, stage by stage' } = {}): string {
  const sampling = `T = ${valuesOf(report, (a) => a.temperature)}, top-p ${valuesOf(report, (a) => a.topP)}`
  return `# ${title}

${markdownTable(report)}

${PLOTS.map(({ file, title }) => `![${title}](plots/${file})`).join('\n\n')}

## How it was measured

Every stage's model answers the same held-out questions, sampled at ${sampling} with the run's own seed (${report.seeds.join(', ')}). ${templates(report)}

${metricNames.map((name) => `- **${capital(metricOf(name).label)}** is ${metricOf(name).how(report)}`).join('\n')}
`
}

/** Writes `report.md` and `plots/` into a folder. Returns the path of the report. */
export function writeReport(
  directory: string,
  report: StageReport,
  options: { readonly title?: string } = {},
): string {
  const file = join(directory, 'report.md')
  onDisk('write', file, () => {
    makeFolder(join(directory, 'plots'))
    for (const [name, svg] of Object.entries(plots(report)))
      writeFileSync(join(directory, 'plots', name), svg)
    writeFileSync(file, markdownReport(report, options))
  })
  return file
}
