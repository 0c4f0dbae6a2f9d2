import type { Pieces } from './pieces.ts'

/*
 * A chat template in Go's template language, with the variables that Ollama sets. Ollama reads what a model can do from it:
 * the capability "thinking", with its tags, from the first and the last text around `.Thinking` inside the loop over
 * `.Messages` (`InferTags` in thinking/template.go), and "tools" from a mention of `.Tools`, of which there is none.
 */

/** A text as it stands: in Go's templates, only `{{` means something else. */
const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}')

/** The template of a model whose chat template prints these pieces. `thinks`: the model may write its thinking in tags. */
export function goTemplate(pieces: Pieces, thinks: boolean): string {
  const { begin, system, toAnswer, toQuestion, prompt, promptWithoutThinking } = pieces
  const head = system
    ? `{{ if .System }}${literal(system[0])}{{ .System }}${literal(system[1])}{{ else }}${literal(begin)}{{ end }}`
    : literal(begin)
  const ask =
    promptWithoutThinking === null
      ? literal(prompt)
      : `{{ if and $.IsThinkSet (not $.Think) }}${literal(promptWithoutThinking)}{{ else }}${literal(prompt)}{{ end }}`
  const [open, close] = pieces.thinking ?? ['<think>\n', '\n</think>\n\n']
  // Earlier thinking is not shown to the model again; the last answer is one that it is to continue.
  const thinking = thinks
    ? `{{ if and $last .Thinking }}${literal(open)}{{ .Thinking }}${literal(close)}{{ end }}`
    : ''
  return [
    head,
    '{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}',
    `{{ if eq .Role "user" }}{{ .Content }}{{ if $last }}${ask}{{ else }}${literal(toAnswer)}{{ end }}`,
    `{{ else if eq .Role "assistant" }}${thinking}{{ .Content }}{{ if not $last }}${literal(toQuestion)}{{ end }}`,
    '{{ end }}{{ end }}',
  ].join('')
}
