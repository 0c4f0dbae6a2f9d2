/*
 * Computes a loss and the gradients of the adapters of a PEFT folder, for tools/golden/peft_check.py, which compares them with
 * PEFT's:
 *
 *   npx tsx tools/peft-check.ts PEFT_DIR | python tools/golden/peft_check.py PEFT_DIR BASE_DIR
 */

import { Random } from '../src/common/random.ts'
import { gradientVectors } from '../src/engines/local/model/exchange.ts'
import { LocalModel } from '../src/engines/local/model/local-model.ts'
import { loadModel } from '../src/models/checkpoint/directory.ts'
import { readAdapters } from '../src/models/checkpoint/peft/adapters.ts'
import { baseFolder } from '../src/models/checkpoint/peft/find-base.ts'
import { isAdapter } from '../src/models/lora.ts'
import { countParameters, parameterShapes } from '../src/models/parameters.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: npx tsx tools/peft-check.ts PEFT_DIR')
const { config, parameters } = readAdapters(folder, loadModel(baseFolder(folder)))
const random = new Random(1)
const [rows, length] = [2, 24]
const ids = Array.from({ length: rows }, () =>
  Int32Array.from({ length }, () => random.int(0, config.vocabSize - 1)),
)
const model = new LocalModel({ model: { config, parameters }, threads: 2 })
const [memory] = gradientVectors(countParameters(config), 1)
model.openTrainer('all', [memory!])
const { loss, logprobs } = model.forwardBackward(
  ids.map((row) => ({
    tokens: row.slice(0, -1),
    targets: row.slice(1),
    weights: new Float32Array(length - 1).fill(1 / (rows * (length - 1))),
  })),
  { kind: 'cross_entropy' },
)
const gradients: Record<string, number[]> = {}
let at = 0
for (const [name, shape] of parameterShapes(config)) {
  const size = shape.reduce((a, b) => a * b, 1)
  if (isAdapter(name)) gradients[`base_model.model.${name}`] = [...new Float32Array(memory!, 4 * at, size)]
  at += size
}
process.stdout.write(
  JSON.stringify({
    ids: ids.map((row) => [...row]),
    loss,
    logprobs: logprobs.map((row) => [...row]),
    gradients,
  }),
)
