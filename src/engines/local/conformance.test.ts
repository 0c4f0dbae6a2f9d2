import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import { engineConformance, rewardEngineConformance } from '../conformance.ts'
import { adapterConformance } from '../conformance-adapters.ts'
import { openLocalEngine } from './index.ts'

const config = tinyConfig('qwen3')
const model = { config, parameters: initParameters(config, 1) }

for (const threads of [1, 2]) {
  const replicas = threads === 1 ? 'one replica' : `${threads} replicas`
  const { vocabSize } = config
  engineConformance(`local, ${replicas},`, { open: () => openLocalEngine({ model, threads }), vocabSize })
  rewardEngineConformance(`local, ${replicas},`, {
    open: () => openLocalEngine({ model, rewardHead: { seed: 1 }, threads }),
    vocabSize,
  })
  adapterConformance(`local, ${replicas},`, {
    open: () => openLocalEngine({ model, threads }),
    openReward: () => openLocalEngine({ model, rewardHead: { seed: 1 }, threads }),
    vocabSize,
  })
}
