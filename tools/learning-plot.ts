import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Curve, learningPlot } from '../src/report/learning-plot.ts'
import { RunStore } from '../src/runs/store.ts'

/**
 * Draws the accuracy and the response length of a finished run of `ruminate zero` over its steps, as SVG.
 *
 *   npx tsx tools/learning-plot.ts RUN FILE.svg
 */
const [run, file] = process.argv.slice(2)
if (!run || !file) {
  console.error('usage: npx tsx tools/learning-plot.ts RUN FILE.svg')
  process.exit(2)
}

try {
  const store = RunStore.open(run)
  try {
    const { recipe, seed, step, settings } = store.info()
    if (recipe !== 'zero' || step === 0) throw new Error(`${run} is not a run of zero with steps`)
    const { task, eval: evaluation } = settings as {
      task: string
      eval: { questions: number; temperature: number }
    }
    const curves: Curve[] = [
      {
        title: 'Right answers',
        share: true,
        training: store.metric('accuracy'),
        heldOut: store.metric('eval/pass@1'),
      },
      {
        title: 'Response length (tokens)',
        share: false,
        training: store.metric('length/mean'),
        heldOut: store.metric('eval/length'),
      },
    ]
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(
      file,
      learningPlot({
        title: `R1-Zero on the task ${task}, seed ${seed}`,
        note: `${evaluation.questions} held-out questions, sampled at T = ${evaluation.temperature}`,
        steps: step,
        curves,
      }),
    )
    console.log(`written: ${file}`)
  } finally {
    store.close()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
