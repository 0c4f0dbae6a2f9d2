import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { UserError } from '../src/common/errors.ts'
import { choosing } from './choose.ts'
import { continuous } from './continuous.ts'
import { decode } from './decode.ts'
import { fits } from './fits.ts'
import { grpoStep } from './grpo-step.ts'
import { benchModel, folderModel } from './model.ts'
import { product } from './product.ts'
import { scale } from './scale.ts'
import { serving } from './serve/serve.ts'
import { studioTimes } from './studio.ts'
import { studioPageTimes } from './studio-page.ts'
import { studioTraining } from './studio-training.ts'
import { thinking } from './thinking.ts'
import { trainStep } from './train-step.ts'
import { verifier } from './verify.ts'

/**
 * Times Ruminate and PyTorch alternately in one run. `npm run bench` runs train, decode and grpo.
 *
 *   npm run bench -- train decode --size 25M --repetitions 5
 *   npm run bench -- train decode grpo --model FOLDER [--lora RANK]
 *   npm run bench -- choose
 *   npm run bench -- continuous [--size 25M | --model FOLDER]
 *   npm run bench -- fits [--size 25M | --model FOLDER]
 *   npm run bench -- product
 *   npm run bench -- scale [--run DIR]
 *   npm run bench -- thinking
 *   npm run bench -- verify
 *   npm run bench -- serve [--model FOLDER --gguf FILE]
 *   npm run bench -- studio
 *   npm run bench -- studio-page
 *   npm run bench -- studio-training
 */
const comparisons = { train: trainStep, decode, grpo: grpoStep }
type Name = keyof typeof comparisons

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: 'string' },
      model: { type: 'string' },
      gguf: { type: 'string' },
      lora: { type: 'string' },
      repetitions: { type: 'string' },
      run: { type: 'string' },
    },
  })
  const alone = [
    'choose',
    'continuous',
    'fits',
    'product',
    'scale',
    'serve',
    'studio',
    'studio-page',
    'studio-training',
    'thinking',
    'verify',
  ]
  const unknown = positionals.find((name) => !alone.includes(name) && !Object.hasOwn(comparisons, name))
  if (unknown)
    throw new UserError(
      `unknown benchmark "${unknown}"; choose from train, decode, grpo, choose, continuous, fits, product, scale, serve, studio, studio-page, studio-training, thinking, verify`,
      2,
    )
  const repetitions = values.repetitions === undefined ? undefined : Number(values.repetitions)
  if (repetitions !== undefined && !(Number.isInteger(repetitions) && repetitions > 0))
    throw new UserError(`--repetitions is "${values.repetitions}"; give a whole number from 1`, 2)
  const lora = values.lora === undefined ? null : Number(values.lora)
  if (lora !== null && !(Number.isInteger(lora) && lora > 0))
    throw new UserError(`--lora is "${values.lora}"; give the rank of the adapters, a whole number from 1`, 2)
  if (values.run !== undefined && positionals.join() !== 'scale')
    throw new UserError('--run is only for scale', 2)
  if (positionals.includes('scale')) {
    if (positionals.length > 1)
      throw new UserError(
        'scale computes the tables of docs/scale.md; run it alone: npm run bench -- scale',
        2,
      )
    return scale(values.run)
  }
  console.log(`${cpus()[0]!.model}, ${cpus().length} cores, Node.js ${process.version}`)

  if (positionals.includes('fits')) {
    if (positionals.length > 1)
      throw new UserError('fits measures models of its own; run it alone: npm run bench -- fits', 2)
    return fits(values)
  }
  if (positionals.includes('continuous')) {
    if (positionals.length > 1)
      throw new UserError('continuous measures one model; run it alone: npm run bench -- continuous', 2)
    return continuous(values)
  }
  if (positionals.includes('serve')) {
    if (positionals.length > 1)
      throw new UserError('serve measures a model of its own; run it alone: npm run bench -- serve', 2)
    return serving(values)
  }
  if (values.gguf !== undefined) throw new UserError('--gguf is only for serve', 2)
  for (const [name, run] of [
    ['choose', choosing],
    ['product', product],
    ['studio', studioTimes],
    ['studio-page', studioPageTimes],
    ['studio-training', studioTraining],
    ['thinking', thinking],
    ['verify', verifier],
  ] as const)
    if (positionals.includes(name)) {
      if (positionals.length > 1)
        throw new UserError(`${name} needs no model; run it alone: npm run bench -- ${name}`, 2)
      return run(repetitions)
    }
  const names = (positionals.length > 0 ? positionals : Object.keys(comparisons)) as Name[]
  if (values.model !== undefined && values.size !== undefined)
    throw new UserError('--model is a folder and --size a model with random weights: give one of them', 2)
  const model =
    values.model === undefined ? benchModel(values.size ?? 'miniature') : folderModel(values.model)
  for (const name of names) await comparisons[name](model, { repetitions, lora })
}

main().catch((error) => {
  console.error(error instanceof UserError ? error.message : error)
  process.exitCode = error instanceof UserError ? error.exitCode : 1
})
