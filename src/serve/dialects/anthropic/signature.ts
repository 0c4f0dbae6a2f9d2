import { createHash } from 'node:crypto'

/*
 * Anthropic's clients send thinking back with the signature that came with it. Ours is a hash of the thinking; if the client
 * asked not to be sent the thinking, it is the thinking itself, so that it is not lost to the next turn.
 */

const OMITTED = 'ruminate-thinking.'

/** The signature of thinking that is shown, fed piece by piece. */
export function signature(): { update(text: string): void; end(): string } {
  const hash = createHash('sha256')
  return {
    update: (text) => void hash.update(text),
    end: () => `ruminate-sha256.${hash.digest('base64url')}`,
  }
}

/** The signature of thinking that is not shown. */
export const omitted = (thinking: string): string =>
  `${OMITTED}${Buffer.from(thinking).toString('base64url')}`

/** The thinking of a block that a client sent back. Any signature is accepted: thinking of other models may be continued. */
export function unsigned({
  thinking,
  signature,
}: {
  thinking: string
  signature?: string | undefined
}): string {
  if (thinking !== '' || !signature?.startsWith(OMITTED)) return thinking
  return Buffer.from(signature.slice(OMITTED.length), 'base64url').toString()
}
