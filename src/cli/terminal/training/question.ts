/**
 * The question in a prompt, given the function that makes prompts: what remains without the text that the prompts of two
 * other questions begin and end with. The whole prompt if it does not begin and end like this.
 */
export function questionIn(prompt: string, render: (question: string) => string): string {
  const [a, b] = [render('1'), render('2')]
  if (a === b) return prompt.trim()
  let differs = 0
  while (a[differs] === b[differs]) differs++
  const [before, after] = [a.slice(0, differs), a.slice(differs + 1)]
  const isRendered = prompt.startsWith(before) && prompt.slice(before.length).endsWith(after)
  return (isRendered ? prompt.slice(before.length, prompt.length - after.length) : prompt).trim()
}
