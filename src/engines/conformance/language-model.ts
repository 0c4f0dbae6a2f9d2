import { describe } from 'vitest'
import { closingTests } from './closing.ts'
import { refusalTests } from './refusals.ts'
import { languageModel, type Subject } from './resources.ts'
import { samplingTests } from './sampling.ts'
import { scheduleTests } from './schedules.ts'
import { temperatureTests } from './temperature.ts'
import { trainingTests } from './training.ts'
import { weightsTests } from './weights.ts'

/** The tests of a language model's engine. */
export function engineConformance(name: string, subject: Subject): void {
  describe(`${name} is an engine`, () => {
    const model = languageModel(subject)
    samplingTests(model)
    scheduleTests(model)
    temperatureTests(model)
    trainingTests(model)
    weightsTests(model)
    refusalTests(model)
    closingTests(model)
  })
}
