import type { ComponentChildren } from 'preact'
import type { Resource } from '../api/use-resource.ts'

/** A command that the reader can type. */
export const Command = ({ children }: { children: string }) => <code class="command">{children}</code>

/** What is shown where there is nothing yet: why, and the command that changes it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <section class="notice">
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** Shows what was read, or that it is being read, or why it could not be. */
export function Read<T>({
  of,
  what,
  children,
}: {
  of: Resource<T>
  what: string
  children: (data: T) => ComponentChildren
}) {
  if (of.data === null && of.error === null) return <p class="loading">Reading {what} …</p>
  return (
    <>
      {of.error && (
        <section class="notice problem" role="alert">
          <h2>{of.error.message}</h2>
          {of.error.help && <p>{of.error.help}</p>}
          {of.data !== null && <p>What is shown below was read before.</p>}
          <button type="button" onClick={of.reload}>
            Try again
          </button>
        </section>
      )}
      {of.data !== null && children(of.data)}
    </>
  )
}
