import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import { adapterConformance, engineConformance, rewardEngineConformance } from '../conformance/index.ts'
import { openLocalEngine } from './index.ts'

const tiny = (type: Parameters<typeof tinyConfig>[0]) => {
  const config = tinyConfig(type)
  return { config, parameters: initParameters(config, 1) }
}

for (const threads of [1, 2]) {
  const replicas = threads === 1 ? 'one replica' : `${threads} replicas`
  const model = tiny(threads === 1 ? 'qwen3' : 'gemma3_text')
  const { vocabSize } = model.config
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
