/* Tests that any engine must pass (contract.ts). */

export { adapterConformance } from './adapters.ts'
export { engineConformance } from './language-model.ts'
export { rewardEngineConformance } from './reward-model.ts'
