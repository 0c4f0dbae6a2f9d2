const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** 2·10¹³, 1,500 or 0.25. */
export function short(value: number): string {
  if (Math.abs(value) < 1e6) return Number(value.toPrecision(3)).toLocaleString('en-US')
  const power = Math.floor(Math.log10(value) + 1e-9)
  const factor = Number((value / 10 ** power).toPrecision(2))
  const exponent = [...String(power)].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')
  return factor === 1 ? `10${exponent}` : `${factor}·10${exponent}`
}
