const ELEMENTS = new Set(
  [
    'H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe',
    'Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm',
  ]
    .join(' ')
    .split(' '),
)

const PART = /[A-Z][a-z]?\d*|[()]\d*/g
const FORMULA = /^(\d*)((?:[A-Z][a-z]?\d*|\((?:[A-Z][a-z]?\d*)+\)\d*){1,20})(?:\^?(\d?[+-]))?$/

/**
 * A chemical formula in a normal form: `H2O` for H_2O and \mathrm{H_2O}, `Fe^2+` for Fe^{2+}. `null` for anything else, and for
 * what is more likely a product of variables, unless `product`: a single element, or elements without numbers such as CO and PV.
 */
export function formulaOf(source: string, product = false): string | null {
  if (source.length > 80) return null
  const s = source.replace(/\\(?:ce|mathrm|text|mathbf|rm)(?![a-z])|\\[,!]|[{}_\s]/g, '')
  const found = FORMULA.exec(s)
  if (!found) return null
  const [, coefficient, formula, charge] = found as unknown as [string, string, string, string?]
  const parts = formula.match(PART)!.filter((part) => /^[A-Z]/.test(part))
  if (!parts.every((part) => ELEMENTS.has(part.replace(/\d+/, '')) && !/[A-Za-z](?:0|1$|1(?=\D))/.test(part)))
    return null
  const certain = charge !== undefined || (parts.length > 1 && /[a-z]|[A-Z)]\d/.test(formula))
  return certain || product ? `${coefficient}${formula}${charge ? `^${charge.replace(/^1/, '')}` : ''}` : null
}
