import { shareOfBest } from './ngrams.ts'

/**
 * Words that are frequent in any text of a language. Single letters are left out, since they may be variables; an
 * apostrophe belongs to the word before it. A frequent word of one language that is also a word of another is in both
 * lists.
 */
const FUNCTION_WORDS = {
  en: `the of and to in is that for it was with on as are this be at by or have from not but what all were when we there
    can an if do how which then them these so some would into has had more two than could other been who its now did each he
    she his her him they you your my me will should because since where therefore thus hence need get give must also
    only just wait check first next after before both same no am per come out up off over let' it' that' don' doesn'
    isn' there' pour son die war man men car par plus ten hat want door van den met elk moment dove pas las dot use`,
  fr: `le la les des de du un une et en est que qui dans pour pas sur avec ce cette ces il elle nous vous ils elles
    par au aux mais ou où sont être avoir donc alors ainsi puis plus tout tous comme si son sa ses leur leurs l' d' qu' c'
    j' n' s' on ne se te je me ma dit nos non fait faut peut soit car ont était aussi très encore après avant chaque même
    entre calculons vérifions réponse attendez deux`,
  de: `der die das und ist nicht ein eine einen einem einer zu den dem des mit von für auf sich im in auch es an am als
    wie bei aus nach wird werden sind war was hat haben wir ich du da sie er man kann dann also aber oder wenn nur noch so
    um durch über ergibt daraus daher denn jetzt zuerst beide jede jeder sein ihre muss müssen gibt alle zwei antwort
    moment pro`,
  es: `el la los las le de del que en un una es no por con para se te me lo al como más su sus pero entonces luego
    son está esto este esta hay tiene tienen si cuando también ya muy todo todos nos porque donde entre sobre cada dos
    hasta desde ser así ahora primero después vamos espera respuesta calculamos tenemos`,
  it: `il lo la gli le di del della dei delle che è un una uno non per con si se te da in nel nella come più sono ma
    anche al alla questo questa questi ha hanno quindi allora poi dell' l' d' un' nell' c' all' dall' tra ogni due essere
    così ora prima dopo abbiamo perché dove ci ne cui suo sua loro risposta calcoliamo aspetta`,
  nl: `de het een en van die is dat in op te ten zijn met voor niet aan er om ook als al dan maar bij of uit naar door
    over deze dit wordt worden heeft hebben we wij wie je ik hij zij ze kan kunnen dus want nu eerst nog geen wat was hoe
    waar elke elk twee moet moeten had antwoord wacht omdat daarna per`,
  pl: `się nie na do to jest że co jak ale tak czy od dla przez po za ze ma te są więc teraz więcej tylko jego jej
    ich być było był była lub albo oraz gdy kiedy które który która też już może zatem mamy każdy każda najpierw potem dwa
    dwie tym tego ten ta ponieważ sprawdźmy odpowiedź`,
  pt: `os as do da dos das de que em um uma não por com para se te me no na nos nas ao como mais seu sua mas então
    são está isto este esta há tem têm quando também ou já muito tudo todos porque onde entre sobre cada dois duas até
    depois ser assim agora primeiro vamos espere resposta pelo pela temos`,
  ca: `el la els les de del dels que en un una és no per amb com al als més seu seva però doncs llavors aquest
    aquesta això hi ha té tenim si quan també molt tot tots són està on entre sobre cada dos dues fins després així
    ara primer resposta calculem es se ens li hem`,
  da: `og at det en den til er som på de med han af for ikke der var et har jeg men om vi havde sig ud så eller hvad
    kan fra over under have være skal hvis når også nu efter da ved man du op her dette disse hver to derefter derfor
    altså først svaret vil hun min din ingen alle meget`,
  no: `og at det en den til er som på de med han av for ikke der var et har jeg men om vi hadde seg ut så eller hva
    kan fra over under ha være skal hvis når også nå etter da ved man du opp her dette disse hver to deretter derfor
    altså først svaret vil hun min din ingen alle veldig`,
  sv: `och att det en den till är som på de med han av för inte där var ett har jag men om vi hade sig ut så eller
    vad kan från över under ha vara ska om när också nu efter då vid man du upp här detta dessa varje två sedan
    därför alltså först svaret vill hon min din ingen alla mycket`,
} as const

/** A language in Latin script that can be told apart from the others by its function words. */
export type LatinLanguage = keyof typeof FUNCTION_WORDS
const LANGUAGES = Object.keys(FUNCTION_WORDS) as LatinLanguage[]
export const isLatin = (language: string): language is LatinLanguage =>
  Object.hasOwn(FUNCTION_WORDS, language)

/** For every function word, the languages that have it. */
const LANGUAGES_OF = new Map<string, LatinLanguage[]>()
for (const language of LANGUAGES)
  for (const word of new Set(FUNCTION_WORDS[language].split(/\s+/)))
    LANGUAGES_OF.set(word, [...(LANGUAGES_OF.get(word) ?? []), language])

const LONG_WORD = /[\p{Script=Latin}\p{M}]{2,}/gu
const WORD = /[\p{Script=Latin}\p{M}]+['’]?/gu

/** The letters of each language besides a to z. */
const LETTERS: Record<LatinLanguage, string> = {
  en: '',
  fr: 'àâæçéèêëîïôœùûüÿ',
  de: 'äöüß',
  es: 'áéíñóúü',
  it: 'àèéìíîòóùú',
  nl: 'áèéëïíóöúü',
  pl: 'ąćęłńóśźż',
  pt: 'àáâãçéêíóôõúü',
  ca: 'àçèéíïòóúü·',
  da: 'æøåé',
  no: 'æøåéòóô',
  sv: 'åäöé',
}
const NOT_OF = new Map(
  LANGUAGES.map((language) => [language, new RegExp(`[^a-z${LETTERS[language]}]`, 'i')] as const),
)

/** Whether many words of a text have letters that a language does not have: at least three, and a fifth of them. */
function hasOtherLetters(words: readonly string[], language: LatinLanguage): boolean {
  const others = words.filter((word) => NOT_OF.get(language)!.test(word.normalize('NFC'))).length
  return others >= 3 && 5 * others >= words.length
}

/** From how many words on n-grams can identify a language, and from how many on they outweigh function words. */
const ENOUGH = { words: 4, sure: 6 }
/** A text with this number of words is not in a language whose score is below the returned share of the best score. */
const shareNeeded = (words: number): number => (words < ENOUGH.sure ? 0.5 : 0.7)

/**
 * Whether a text in Latin script is in a language; `null` if that cannot be told. Function words decide among the languages
 * above, and n-grams where those do not, for about forty languages in Latin script. Its letters, and in six words or more
 * its n-grams, also show a language without a list here, whose words happen to be in the lists of others.
 */
export function isWrittenIn(text: string, language: LatinLanguage): boolean | null {
  const byWords = byFunctionWords(text, language)
  const words = longWords(text)
  if (hasOtherLetters(words, language)) return false
  const share = words.length < ENOUGH.words ? null : shareOfBest(words, language)
  if (share === null) return byWords
  const isOther = share < shareNeeded(words.length)
  if (isOther && words.length >= ENOUGH.sure) return false
  return byWords ?? (isOther ? false : share === 1 ? true : null)
}

/** Whether a text is certainly in another language: function words and n-grams agree. */
export const isCertainlyOther = (text: string, language: LatinLanguage): boolean =>
  longWords(text).length >= ENOUGH.words &&
  byFunctionWords(text, language) === false &&
  (shareOfBest(longWords(text), language) ?? 1) < 1

/** The words of a text in Latin script that cannot be variables: those of at least two letters. */
export const longWords = (text: string): readonly string[] => text.match(LONG_WORD) ?? []

/** How many more function words of a language a text has than of any other; `null` if it has none of the language. */
export function lead(text: string, language: LatinLanguage): number | null {
  const found = functionWords(text)
  const count = (l: LatinLanguage) => found.filter((languages) => languages.includes(l)).length
  const own = count(language)
  return own === 0 ? null : own - Math.max(...LANGUAGES.filter((l) => l !== language).map(count))
}

/** For each function word in a text, the languages that have it. */
const functionWords = (text: string): (readonly LatinLanguage[])[] =>
  Array.from(text.matchAll(WORD), ([word]) => LANGUAGES_OF.get(word.toLowerCase().replace('’', "'"))).filter(
    (languages) => languages !== undefined,
  )

/**
 * Judged by function words: the language is compared with every other one by the words that only one of the two has. A side
 * is clearly ahead if it has at least two such words, and at least twice as many as the other. False if another language is
 * clearly ahead; true if this one is clearly ahead of every other; else `null`.
 */
function byFunctionWords(text: string, language: LatinLanguage): boolean | null {
  const found = functionWords(text)
  if (found.length < 2) return null
  const count = () => Object.fromEntries(LANGUAGES.map((l) => [l, 0])) as Record<LatinLanguage, number>
  const forThis = count()
  const forOther = count()
  for (const languages of found)
    if (languages.includes(language)) {
      for (const other of LANGUAGES) if (!languages.includes(other)) forThis[other]++
    } else for (const other of languages) forOther[other]++
  const others = LANGUAGES.filter((l) => l !== language)
  const ahead = (a: number, b: number) => a >= 2 && a >= 2 * b
  if (others.some((l) => ahead(forOther[l], forThis[l]))) return false
  return others.every((l) => ahead(forThis[l], forOther[l])) ? true : null
}
