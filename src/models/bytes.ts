/**
 * GPT-2's printable stand-in for each byte (Radford et al. 2019, `bytes_to_unicode`): printable Latin-1 stands for
 * itself, the 68 others are moved to U+0100 and up, so that vocabulary entries never hold spaces or control codes.
 */
export const BYTE_TO_CHAR: readonly string[] = (() => {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae
  let moved = 0
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : 0x100 + moved++))
})()
