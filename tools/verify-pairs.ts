/**
 * Verifies generated pairs of different values and reports every one that is found equal, and the slowest pair.
 *
 *     npx tsx tools/verify-pairs.ts [pairs, default 1000000] [seed, default 0]
 */
import { Random } from '../src/common/random.ts'
import { differentPair } from '../src/verify/cases/different/index.ts'
import { verify } from '../src/verify/index.ts'

const [pairs = '1000000', seed = '0'] = process.argv.slice(2)
const random = new Random('different', Number(seed))
const processorTime = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

let [equal, unknown] = [0, 0]
let slowest = { ms: 0, pair: ['', ''] }
for (let k = 0; k < Number(pairs); k++) {
  const { kind, gold, answer } = differentPair(random)
  const start = processorTime()
  const verdict = verify(gold, answer)
  const ms = processorTime() - start
  if (ms > slowest.ms) slowest = { ms, pair: [gold, answer] }
  if (verdict.equal === null) unknown++
  if (verdict.equal !== true) continue
  equal++
  console.log(
    `${kind}: ${JSON.stringify(gold)} is found equal to ${JSON.stringify(answer)}: ${verdict.reason}`,
  )
}
console.log(`${pairs} pairs: ${equal} found equal, ${unknown} with a gold that cannot be read`)
console.log(`slowest: ${slowest.ms.toFixed(1)} ms of processor time, ${JSON.stringify(slowest.pair)}`)
if (equal > 0) process.exitCode = 1
