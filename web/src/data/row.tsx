import type { DataRow } from '../api/types.ts'
import { Prose } from '../text/prose.tsx'
import { visible } from '../text/readable.ts'

interface Message {
  readonly role: string
  readonly content: string
}

const isMessages = (value: unknown): value is readonly Message[] =>
  Array.isArray(value) &&
  value.every((item) => typeof item?.role === 'string' && typeof item?.content === 'string')

/** The fields that are texts to read. The others are facts about the row. */
const TEXTS = ['prompt', 'completion', 'response', 'chosen', 'rejected']

/** A row of data: its conversation or its texts, then everything else that it says. */
export function Row({ row }: { row: DataRow }) {
  const { messages, ...rest } = row
  const texts = TEXTS.filter((name) => typeof rest[name] === 'string')
  const pair = texts.filter((name): boolean => name === 'chosen' || name === 'rejected')
  const facts = Object.entries(rest).filter(([name]) => !texts.includes(name))
  return (
    <>
      {isMessages(messages) &&
        messages.map(({ role, content }, i) => <Text key={i} title={role} text={content} />)}
      {texts
        .filter((name) => !pair.includes(name))
        .map((name) => (
          <Text key={name} title={name} text={String(rest[name])} />
        ))}
      {pair.length > 0 && (
        <div class="columns even">
          {pair.map((name) => (
            <Text key={name} title={name} text={String(rest[name])} />
          ))}
        </div>
      )}
      <p class="facts">
        {facts.map(([name, value]) => (
          <span key={name}>
            <span class="quiet">{visible(name)}</span>{' '}
            {visible(typeof value === 'string' ? value : JSON.stringify(value))}
          </span>
        ))}
      </p>
    </>
  )
}

const Text = ({ title, text }: { title: string; text: string }) => (
  <section>
    <h3>{title}</h3>
    <Prose text={text} />
  </section>
)
