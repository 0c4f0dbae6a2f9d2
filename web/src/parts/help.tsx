import { useEffect, useRef } from 'preact/hooks'

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['r', 'all runs'],
  ['e', 'test-time compute'],
  ['c', 'chat'],
  ['l, s, a, d', 'learning, samples, aha, data of the run'],
  ['/', 'search the samples for a text'],
  ['j, k', 'next and previous sample'],
  ['g', 'the whole group of the sample'],
  ['q', 'the same question over time'],
  ['t', 'colour the tokens'],
  ['+, −, 0', 'zoom the plots in, out, and back'],
  ['← →', 'move the plots'],
  ['?', 'these keys'],
]

/** The dialog with the keys. */
export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <table>
        <tbody>
          {KEYS.map(([keys, what]) => (
            <tr key={keys}>
              <th scope="row">
                <kbd>{keys}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
