import type { TextModel } from '../model.ts'

/** A strategy on top of a model, which closes the model when it is closed. `settings` are what its responses depend on. */
export const onTop = (
  model: TextModel,
  settings: readonly unknown[],
  respond: TextModel['respond'],
): TextModel => ({
  name: model.name,
  identity: JSON.stringify([model.identity, ...settings]),
  can: model.can,
  respond,
  ...(model.countPrompt ? { countPrompt: (request) => model.countPrompt!(request) } : {}),
  ...(model.showPrompt ? { showPrompt: (request) => model.showPrompt!(request) } : {}),
  close: () => model.close(),
})
