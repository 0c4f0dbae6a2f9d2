import { shellWord } from '../../../common/shell.ts'
import type { TemplateSettings } from '../../../renderer/chat-template.ts'

/* Settings of the chat template, as words of a command line. */

/** As commands that sample without a run take them. */
export function templateArguments({ arguments: given }: Pick<TemplateSettings, 'arguments'>): string[] {
  const words = Object.entries(given).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return words.length > 0 ? ['--template-arguments', shellWord(words.join(','))] : []
}

/** As commands that train take them. */
export const chatArguments = ({ arguments: given }: Pick<TemplateSettings, 'arguments'>): string[] =>
  Object.entries(given).flatMap(([name, value]) => [
    '--set',
    shellWord(`chat.arguments.${name}=${JSON.stringify(value)}`),
  ])
