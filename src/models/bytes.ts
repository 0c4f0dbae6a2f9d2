/**
 * A printable character for each byte, as in GPT-2 (Radford et al. 2019, `bytes_to_unicode`): printable Latin-1 stands
 * for itself, and the other 68 bytes get characters from U+0100 on, so that no vocabulary entry contains white space or
 * control characters.
 */
export const BYTE_TO_CHAR: readonly string[] = (() => {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae
  let moved = 0
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : 0x100 + moved++))
})()
