const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu
const HAN = /\p{Script=Han}/gu

/** A character set of two bytes each: the first and the last lead byte, and the ranges of the second byte. */
function characters(
  encoding: string,
  [first, last]: [number, number],
  trails: [number, number][],
): Set<string> {
  const bytes: number[] = []
  for (let lead = first; lead <= last; lead++)
    for (const [from, to] of trails) for (let trail = from; trail <= to; trail++) bytes.push(lead, trail)
  return new Set(new TextDecoder(encoding).decode(Uint8Array.from(bytes)))
}

const GB_TRAILS: [number, number][] = [[0xa1, 0xfe]]
const BIG5_TRAILS: [number, number][] = [
  [0x40, 0x7e],
  [0xa1, 0xfe],
]
/** The common characters of Japanese (JIS X 0208, level 1) and of Chinese (GB 2312 and Big5, level 1), and all of Chinese. */
const japanese = characters('euc-jp', [0xb0, 0xcf], GB_TRAILS)
const simplified = characters('gbk', [0xb0, 0xd7], GB_TRAILS)
const traditional = characters('big5', [0xa4, 0xc6], BIG5_TRAILS)
const rareSimplified = characters('gbk', [0xd8, 0xf7], GB_TRAILS)
const rareTraditional = characters('big5', [0xc9, 0xf9], BIG5_TRAILS)

/** Chinese grammatical words whose characters Japanese also has, but hardly ever in a sentence without kana. */
const CHINESE_WORDS = new Set('我是也就那')
const chineseOnly = new Set(
  [...simplified, ...traditional, ...CHINESE_WORDS].filter((c) => !japanese.has(c) || CHINESE_WORDS.has(c)),
)
const japaneseOnly = new Set(
  [...japanese].filter(
    (c) => ![simplified, traditional, rareSimplified, rareTraditional].some((set) => set.has(c)),
  ),
)

/**
 * Whether a sentence in Han characters is Chinese or Japanese; `null` if it cannot be told. Japanese is recognised by kana and
 * by characters that only Japanese has (at least two: one may be a name), Chinese by those that only Chinese has or uses
 * without kana. The greater number wins, so that a single kana does not make a Chinese sentence Japanese.
 */
export function chineseOrJapanese(text: string): 'zh' | 'ja' | null {
  const han = text.match(HAN) ?? []
  const chinese = han.filter((c) => chineseOnly.has(c)).length
  const kanji = han.filter((c) => japaneseOnly.has(c)).length
  const japanese = (text.match(KANA)?.length ?? 0) + (kanji > 1 ? kanji : 0)
  return chinese > japanese ? 'zh' : japanese > 0 ? 'ja' : null
}
