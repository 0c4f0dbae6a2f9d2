import { Random } from '../../src/common/random.ts'

/** Texts on which tokenizers are known to differ. */
const CHOSEN = [
  '',
  ' ',
  '  ',
  '\n',
  '\n\n \n\t\r\n',
  'Hello, world!',
  ' Hello  world ',
  "I'm can't WON'T they'LL we've you'D 'sS",
  'the year 2024, 3.14159, 1,000,000 and 0x1F; 12345678901234567890',
  '１２３ ４５６ ² ³ Ⅷ ½ ٣٤٥',
  'def f(x):\n    if x  >  0:\n\t\treturn x**2  # square\n\n\nclass A(B): pass\n',
  'for (int i=0;i<n;i++){ a[i]+=b[i]; } // loop\r\n\r\n',
  '{"a": [1, 2.5e-3, null], "b": {"c": "d\\n"}}',
  '<html><body class="x">&nbsp;</body></html>',
  '北京大学的学生们正在学习人工智能。你好，世界！',
  '日本語のテキスト、カタカナとひらがな。한국어 문장도 있습니다.',
  'Привет, мир! Ёлка и ёж. Ελληνικά γράμματα',
  'مرحبا بالعالم ١٢٣ עברית हिन्दी में वाक्य தமிழ் ไทยภาษา',
  'naïve café Ångström Straße ÉCOLE İstanbul ǅ ﬁ',
  'cafe\u0301 n\u0303 \u1100\u1161',
  '😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪 🏳️‍🌈 ☃ ✓ →',
  'a\u00a0b\u2003c\u200bd\u3000e\ufefff\u0085g\u2028h',
  '\u0000\u0001\u007f\u0080',
  '…“quoted”—dash–‘single’ «guillemets» ¿qué? ¡sí!',
  '$x^2 + \\frac{a}{b} = \\sqrt{c}$ \\( \\boxed{42} \\)',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '!!!???...---___***###@@@',
  '          ten spaces\t\t\tthree tabs\n\n\n\nfour lines',
  `${' '.repeat(70)}x${'\n'.repeat(40)}y${'\t'.repeat(35)}`,
  '▁▁ the letter that stands for a space ▁',
  'http://example.com/a?b=c&d=e#f user@mail.org C:\\path\\file.txt',
  '<think>\nOkay, let me see.\n</think>\n\n<answer> 42 </answer>',
  'Don`t stop—BELIEVIN´ ©®™ ±×÷ µ° №',
  '<0x0A><0xE4> <unk>x',
]
/** Pieces from which random texts are made. */
const PIECES = [
  ...' \n\t.,;:!?\'"()[]{}<>/\\|@#$%^&*-+=_~`0123456789',
  ...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
  ...'äöüßéèñçøåœğışłżčřňđ',
  ...'的一是不了人我在有他这中大来上国',
  ...'あいうえおカキクケコ한국어',
  ...'абвгдежзиклмнопрст',
  ...'αβγδεζηθ',
  ...'😀😂❤👍🎉🏽',
  '\r\n',
  '  ',
  '    ',
  '\u00a0',
  '\u3000',
  'ing',
  'the ',
  ' and',
  "'s",
  "'LL",
  '123',
  '4567',
]

/** The chosen texts, the special tokens inside a text, and random texts; always the same. */
export function texts(special: readonly string[], random: number): string[] {
  const source = new Random('gguf', 'texts')
  const made = Array.from({ length: random }, () =>
    Array.from({ length: source.int(1, 40) }, () => PIECES[source.int(0, PIECES.length - 1)]).join(''),
  )
  const around = special.flatMap((token) => [token, `a${token}b`, ` ${token} \n${token}${token}`])
  return [...CHOSEN, ...around, ...made]
}
