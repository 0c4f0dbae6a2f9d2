import { engineConformance } from '../../engines/conformance/index.ts'
import { fakeEngine } from './fake-engine.ts'

engineConformance('the fake engine', { open: async () => fakeEngine(), vocabSize: 10 })
