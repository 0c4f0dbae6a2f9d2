import { describe, expect, test } from 'vitest'
import { type Language, languageShare } from './language.ts'
import { isMixed } from './prose.ts'

test.each<[text: string, en: number | null, zh: number | null, mixed: boolean]>([
  ['First 6*9=54\nSo the result is 71.', 1, 0, false],
  ['首先 6*9=54\n对.', 0, 1, false],
  ['Try 2*5=10\n等等, wrong.', 2 / 3, 1 / 3, true],
  ['Wait 检查', 1 / 2, 1 / 2, true],
  ['naïve café', 1, 0, false],
  ['да нет', 0, 0, false],
  ['yes да', 1 / 2, 0, false],
  ['6*9=54', null, null, false],
  ['', null, null, false],
  ['检查 `const x = 1` 检查', 0, 1, false],
  ['检查 $\\frac{x}{y} = abc$', 0, 1, false],
  ['检查 \\(abc\\) \\[d\\] $$e$$ \\alpha', 0, 1, false],
  ['检查\n```js\nlet word = 1\n```', 0, 1, false],
  ['the word \\(等\\)', 2 / 3, 1 / 3, true],
  ['the word `等`', 2 / 3, 1 / 3, true],
  ['看 $x = \\text{cm}$', 0, 1, false],
])('language of %j: English %s, Chinese %s, mixed %s', (text, en, zh, mixed) => {
  for (const [of, expected] of [
    ['en', en],
    ['zh', zh],
  ] as const) {
    if (expected === null) expect(languageShare(text, of)).toBeNull()
    else expect(languageShare(text, of)).toBeCloseTo(expected, 12)
  }
  expect(isMixed(text)).toBe(mixed)
})

test.each<[text: string, language: Language, share: number | null]>([
  // by script
  ['まず、計算します。', 'ja', 1],
  ['まず、計算します。', 'en', 0],
  ['먼저 계산해 보자', 'ko', 1],
  ['Сначала посчитаем сумму', 'ru', 1],
  ['Сначала check сумму', 'ru', 2 / 3],
  // line by line among languages of one script
  ['So the sum is 5.\nDonc la réponse est 5.', 'en', 4 / 8],
  ['So the sum is 5.\nDonc la réponse est 5.', 'fr', 4 / 8],
  ['Donc la réponse est 5.', 'en', 0],
  ['Also ist die Antwort 5.', 'en', 0],
  ['Also ist die Antwort 5.\n检查', 'de', 4 / 5],
  ['まず、計算します。', 'zh', 0],
  // a line that is too short to tell counts like the whole text
  ['Quindi la risposta è 5.\nAspetta.', 'en', 0],
  ['Quindi la risposta è 5.\nAspetta.', 'it', 1],
  ['Wait. Hmm.\nx = 4', 'en', 1],
  // names and variables
  ['设 x 为苹果数, 则 2x = 6', 'zh', 1],
  ['the angle α is π', 'en', 1],
  ['检查 abc', 'zh', 1 / 2],
])('%j in %s: %s', (text, of, share) => {
  expect(languageShare(text, of)).toBeCloseTo(share!, 12)
})

test('words of the question in another script do not count', () => {
  const question = 'Alice 有 3 个苹果'
  expect(languageShare('Alice 先吃了', 'zh')).toBeLessThan(1)
  expect(languageShare('Alice 先吃了', 'zh', { question })).toBe(1)
  expect(languageShare('Bob 先吃了', 'zh', { question })).toBeLessThan(1)
  expect(languageShare('Alice', 'zh', { question })).toBeNull()
})

test.each([
  ['unclosed code', '```\n检查'],
  ['unclosed LaTeX', '\\[ 检查'],
  ['unclosed LaTeX after a closed one', '\\(a\\) \\( 检查'],
])('%s hides nothing', (_, text) => expect(languageShare(text, 'en')).toBe(0))

test.each(['检查', '\\[', '\\(a', '$', '$$', '`', '```', '<', '\\[a\\]', 'a\n', '1,'])(
  'half a megabyte of %j takes linear time',
  (piece) => {
    const text = piece.repeat(500_000 / piece.length)
    const started = process.cpuUsage()
    languageShare(text, 'zh')
    languageShare(text, 'en')
    // A quadratic scan would take minutes.
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(20)
  },
)

const SUM: Readonly<Record<string, string>> = {
  zh: '首先我们计算两个数的和，然后检查结果是否正确。',
  ja: 'まず二つの数の和を計算し、次に結果が正しいか確認します。',
  ko: '먼저 두 수의 합을 계산하고 결과가 맞는지 확인합니다.',
  ru: 'Сначала посчитаем сумму двух чисел, а затем проверим результат.',
  es: 'Primero calculamos la suma de los dos números y luego comprobamos el resultado.',
  fr: 'On calcule d’abord la somme des deux nombres, puis on vérifie que le résultat est juste.',
  hi: 'पहले हम दो संख्याओं का योग निकालते हैं और फिर परिणाम की जाँच करते हैं।',
  ar: 'أولا نحسب مجموع العددين ثم نتحقق من النتيجة',
}
const HIDING: Readonly<Record<string, (text: string) => string>> = {
  'a formula': (text) => `$${text}$`,
  'a displayed formula': (text) => `\\[ ${text} \\]`,
  'the text of a formula': (text) => `$$x = \\text{${text}}$$`,
  'a formula in parentheses': (text) => `\\(\\mbox{${text}}\\)`,
  'a code block': (text) => `\`\`\`\n${text}\n\`\`\``,
  'a code block with tildes': (text) => `~~~python\n# ${text}\n~~~`,
  'code in a line': (text) => `\`${text}\``,
}
describe.each(Object.entries(HIDING))('%s', (_, hide) => {
  test.each(Object.entries(SUM))('does not hide %s', (_, text) => {
    expect(languageShare(hide(text), 'en')).toBe(0)
    const both = `So the sum of the two numbers is 12, and that is right.\n${hide(text)}`
    expect(languageShare(both, 'en')).toBeLessThan(0.7)
  })
})

test.each<[text: string, language: Language]>([
  ['The area is $A = \\pi r^2$ where $r = 5\\text{ cm}$ and $\\text{area} = A$.', 'en'],
  ['面积是 $12\\text{ cm}^2$，所以 $\\sin x = \\max(a, b)$，三角形 ABC 的周长是 5 km。', 'zh'],
  ['检查\n```python\nfor item in items:\n  total = total + item\nprint(total)\n```', 'zh'],
  ['三角形 ABC と DEF の面積は 12 cm です。', 'ja'],
  ['Пусть sin x = 0, тогда длина AB равна 5 km.', 'ru'],
  ['Let α, β and γ be the angles, and sin α = 1/2.', 'en'],
  ['It costs $5 for one, and then we pay $6 more for the other.', 'en'],
  ['看 https://example.com/some/page 。', 'zh'],
])('formulas, code, units and points are no words: %s', (text, language) => {
  expect(languageShare(text, language)).toBe(1)
})

test.each<[text: string, zh: number, ja: number]>([
  // Chinese, simplified and traditional
  ['首先我们计算两个数的和，然后检查结果是否正确。所以答案是十二。', 1, 0],
  ['我們首先計算兩個數的和，然後檢查結果是否正確。', 1, 0],
  ['这是我の答案，我们计算两个数的和，然后检查。', 0.93, 0.07],
  ['这个テスト很简单，我们先计算它们的和。', 0.9, 0.1],
  // Japanese: sentences in Han characters alone count like the others
  ['まず二つの数の和を計算します。計算終了。', 0, 1],
  ['面積計算の結果を確認。答は十二。', 0, 1],
  ['検算実施。', 0, 1],
  // both
  ['まず数の和を計算します。\n然后我们检查结果是否正确。', 0.5, 0.5],
])('%s: Chinese %d, Japanese %d', (text, zh, ja) => {
  expect(Math.abs(languageShare(text, 'zh')! - zh)).toBeLessThan(0.1)
  expect(Math.abs(languageShare(text, 'ja')! - ja)).toBeLessThan(0.1)
})

test.each([
  'Först beräknar vi summan av de två talen och sedan kontrollerar vi att resultatet är rätt.',
  'Vi skal have 3 kasser for at være over ti.',
  'Svaret er 12, og vi er ferdige med oppgaven.',
  'Trước tiên chúng ta tính tổng của hai số, sau đó kiểm tra kết quả.',
  'Önce iki sayının toplamını hesaplıyoruz, sonra sonucu kontrol ediyoruz.',
  'Pertama kita menghitung jumlah dari dua angka, lalu kita periksa hasilnya.',
  'Mai întâi calculăm suma celor două numere și apoi verificăm rezultatul.',
  'Nejprve spočítáme součet obou čísel a pak zkontrolujeme výsledek.',
  'Ensin laskemme kahden luvun summan ja sitten tarkistamme tuloksen.',
  'Először kiszámoljuk a két szám összegét, majd ellenőrizzük az eredményt.',
  'Prvo izračunamo zbroj dva broja, a zatim provjerimo rezultat.',
  'Ar dtús ríomhaimid suim an dá uimhir agus ansin seiceálaimid an toradh.',
  'Primer calculem la suma dels dos nombres i després comprovem el resultat.',
  'Pirmiausia apskaičiuojame dviejų skaičių sumą.',
])('is in none of the languages: %s', (text) => {
  for (const language of ['en', 'de', 'fr', 'es'] as const)
    expect(languageShare(text, language), language).toBe(0)
})

test.each<[text: string, language: Language, share: number | null]>([
  ['Kwanza tunahesabu jumla ya nambari mbili, kisha tunaangalia matokeo.', 'en', 0],
  ['Yn gyntaf rydym yn cyfrifo swm y ddau rif.', 'en', null],
  ['qwx zvbn plkj hgfd qwx zvbn plkj hgfd', 'en', null],
  ['qwx zvbn plkj', 'en', 1],
])('a language that is not recognised is unknown: %s in %s: %s', (text, language, share) => {
  expect(languageShare(text, language)).toBe(share)
})

test.each<[text: string, language: Language, share: number]>([
  [`We compute the sum of the two numbers and check that it is right. ${SUM.es}`, 'en', 0.5],
  [`${SUM.fr} We compute the sum of the two numbers and check that it is right.`, 'fr', 0.5],
  ['We compute the sum of the two numbers, y luego comprobamos que el resultado es correcto.', 'en', 0.5],
  ['The sum is 12. Summan är 12 och svaret är alltså rätt.', 'en', 0.3],
  ['Wait, the sum is 5 and not 6! Donc la réponse est 5 et nous avons fini.', 'en', 0.45],
  ['Спочатку обчислимо суму двох чисел, а потім перевіримо результат.', 'ru', 0],
  ['Първо изчисляваме сумата на двете числа и след това проверяваме резултата.', 'ru', 0],
  ['Прво рачунамо збир два броја, а затим проверавамо резултат.', 'ru', 0],
  ['Площадь треугольника равна половине произведения основания на высоту.', 'ru', 1],
])('%s in %s: about %d', (text, language, share) => {
  expect(Math.abs(languageShare(text, language)! - share)).toBeLessThan(0.12)
})
