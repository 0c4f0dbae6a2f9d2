/** Unicode characters and how LaTeX writes them. */
const PLAIN: Record<string, string> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '‐': '-',
  '‑': '-',
  '﹣': '-',
  '－': '-',
  '＋': '+',
  '＝': '=',
  '×': '\\times ',
  '✕': '\\times ',
  '·': '\\cdot ',
  '⋅': '\\cdot ',
  '∙': '\\cdot ',
  '•': '\\cdot ',
  '∗': '*',
  '÷': '\\div ',
  '⁄': '/',
  '∕': '/',
  '／': '/',
  '±': '\\pm ',
  '∓': '\\mp ',
  '√': '\\sqrt ',
  '∛': '\\sqrt[3]',
  '∜': '\\sqrt[4]',
  '≤': '\\le ',
  '⩽': '\\le ',
  '≦': '\\le ',
  '≥': '\\ge ',
  '⩾': '\\ge ',
  '≧': '\\ge ',
  '≠': '\\ne ',
  '≈': '\\approx ',
  '≡': '\\equiv ',
  '∼': '\\sim ',
  '≅': '\\approx ',
  '＜': '<',
  '＞': '>',
  '∞': '\\infty ',
  '∈': '\\in ',
  '∉': '\\notin ',
  '∪': '\\cup ',
  '∩': '\\cap ',
  '∖': '\\setminus ',
  '⊂': '\\subset ',
  '⊆': '\\subseteq ',
  '∅': '\\emptyset ',
  '⌀': '\\emptyset ',
  Ø: '\\emptyset ',
  ℝ: '\\mathbb{R}',
  ℤ: '\\mathbb{Z}',
  ℕ: '\\mathbb{N}',
  ℚ: '\\mathbb{Q}',
  ℂ: '\\mathbb{C}',
  '°': '\\degree ',
  '˚': '\\degree ',
  º: '\\degree ',
  '℃': '\\degree C',
  '℉': '\\degree F',
  '′': "'",
  '’': "'",
  '‘': "'",
  ʹ: "'",
  '″': "''",
  '“': '"',
  '”': '"',
  '∠': '\\angle ',
  '△': '\\triangle ',
  '∆': '\\Delta ',
  '⊥': '\\perp ',
  '∥': '\\parallel ',
  '→': '\\to ',
  '⇒': '\\Rightarrow ',
  '⟹': '\\Rightarrow ',
  '⇔': '\\iff ',
  '∴': '\\therefore ',
  '∧': '\\land ',
  '∨': '\\lor ',
  '¬': '\\neg ',
  '∑': '\\sum ',
  '∏': '\\prod ',
  '∫': '\\int ',
  '⌊': '\\lfloor ',
  '⌋': '\\rfloor ',
  '⌈': '\\lceil ',
  '⌉': '\\rceil ',
  '⟨': '\\langle ',
  '⟩': '\\rangle ',
  '…': '\\ldots ',
  '⋯': '\\ldots ',
  '∣': '|',
  '｜': '|',
  ℓ: 'l',
  ı: 'i',
  ⅈ: 'i',
  ⅇ: 'e',
  '½': '\\frac{1}{2}',
  '⅓': '\\frac{1}{3}',
  '⅔': '\\frac{2}{3}',
  '¼': '\\frac{1}{4}',
  '¾': '\\frac{3}{4}',
  '⅕': '\\frac{1}{5}',
  '⅖': '\\frac{2}{5}',
  '⅗': '\\frac{3}{5}',
  '⅘': '\\frac{4}{5}',
  '⅙': '\\frac{1}{6}',
  '⅚': '\\frac{5}{6}',
  '⅐': '\\frac{1}{7}',
  '⅛': '\\frac{1}{8}',
  '⅜': '\\frac{3}{8}',
  '⅝': '\\frac{5}{8}',
  '⅞': '\\frac{7}{8}',
  '⅑': '\\frac{1}{9}',
  '⅒': '\\frac{1}{10}',
  '，': ',',
  '、': ',',
  '；': ';',
  '：': ':',
  '（': '(',
  '）': ')',
  '［': '[',
  '］': ']',
  '｛': '{',
  '｝': '}',
  '【': '[',
  '】': ']',
  '。': '. ',
  '．': '.',
  '？': '? ',
  '！': '!',
  '％': '%',
  '＄': '$',
  '＾': '^',
  '～': '~',
  '\u00a0': ' ',
  '\u2002': ' ',
  '\u2003': ' ',
  '\u2009': '\\,',
  '\u202f': '\\,',
  '\u2007': '\\,',
  '\u3000': ' ',
  '\u200b': '',
  '\u200c': '',
  '\u200d': '',
  '\u2060': '',
  '\ufeff': '',
  '\u2061': '',
  '\u2062': '',
  '\u00ad': '',
}

const GREEK: Record<string, string> = {
  α: 'alpha',
  β: 'beta',
  γ: 'gamma',
  δ: 'delta',
  ε: 'epsilon',
  ϵ: 'epsilon',
  ζ: 'zeta',
  η: 'eta',
  θ: 'theta',
  ι: 'iota',
  κ: 'kappa',
  λ: 'lambda',
  μ: 'mu',
  µ: 'mu',
  ν: 'nu',
  ξ: 'xi',
  π: 'pi',
  ρ: 'rho',
  σ: 'sigma',
  τ: 'tau',
  υ: 'upsilon',
  φ: 'phi',
  ϕ: 'phi',
  χ: 'chi',
  ψ: 'psi',
  ω: 'omega',
  Γ: 'Gamma',
  Δ: 'Delta',
  Θ: 'Theta',
  Λ: 'Lambda',
  Ξ: 'Xi',
  Π: 'Pi',
  Σ: 'Sigma',
  Φ: 'Phi',
  Ψ: 'Psi',
  Ω: 'Omega',
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣ'
const SUPERSCRIPTS_PLAIN = '0123456789+-=()nix'
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢₓ'
const SUBSCRIPTS_PLAIN = '0123456789+-=()nix'

const TABLE = new Map<string, string>([
  ...Object.entries(PLAIN),
  ...Object.entries(GREEK).map(([c, name]): [string, string] => [c, `\\${name} `]),
  ...[...'０１２３４５６７８９'].map((c, i): [string, string] => [c, `${i}`]),
  ...[...'٠١٢٣٤٥٦٧٨٩'].map((c, i): [string, string] => [c, `${i}`]),
  ['￥', '¥'],
  ['￡', '£'],
  ['￠', '¢'],
])

/** Names of Greek letters: as commands and, with at least three letters, also as plain words. */
export const GREEK_NAMES = new Set([
  ...Object.values(GREEK),
  ...[
    'varepsilon',
    'vartheta',
    'varphi',
    'varrho',
    'varsigma',
    'varkappa',
    'Upsilon',
    'ell',
    'hbar',
    'nabla',
  ],
])

/** A styled or enclosed letter, digit or unit without its style: 𝟓 as 5, Ⓓ as D, ㎏ as kg, Ⅳ as IV. */
function plainForm(c: string): string {
  if (c < '\u2100') return c
  const simple = c.normalize('NFKC')
  return /^[A-Za-z\d]{1,4}$/.test(simple)
    ? simple
    : /^(?:mm|cm|m|km)([23])$/.test(simple)
      ? simple.replace(/(?=[23])/, '^')
      : (TABLE.get(simple) ?? c)
}

/** Writes Unicode mathematics as LaTeX: `√2` as `\sqrt 2`, `x²` as `x^{2}`. Letters of other scripts are kept. */
export function toLatex(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text
  let out = ''
  let script: '' | '^' | '_' = ''
  for (const c of text) {
    const [up, down] = [SUPERSCRIPTS.indexOf(c), SUBSCRIPTS.indexOf(c)]
    const next = up >= 0 ? '^' : down >= 0 ? '_' : ''
    if (next !== script) {
      if (script) out += '}'
      if (next) out += `${next}{`
      script = next
    }
    out +=
      up >= 0 ? SUPERSCRIPTS_PLAIN[up] : down >= 0 ? SUBSCRIPTS_PLAIN[down] : (TABLE.get(c) ?? plainForm(c))
  }
  return script ? `${out}}` : out
}
