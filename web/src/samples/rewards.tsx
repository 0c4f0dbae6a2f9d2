import type { Sample } from '../api/types.ts'
import { short, signed, UNKNOWN } from '../numbers.ts'
import { visible } from '../text/readable.ts'

/** Each reward of a response, with its reason, and what they add up to. */
export function Rewards({ sample }: { sample: Sample }) {
  return (
    <table class="rewards">
      <caption>Rewards</caption>
      <thead>
        <tr>
          <th scope="col">Reward</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col" class="number">
            Weight
          </th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {sample.rewards.map(({ name, value, weight, reason }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="number">{short(value)}</td>
            <td class="number">{weight === undefined ? UNKNOWN : short(weight)}</td>
            <td>{reason ? visible(reason) : <span class="quiet">{UNKNOWN}</span>}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">total</th>
          <td class="number">{short(sample.total)}</td>
          <td />
          <td>
            advantage {signed(sample.advantage)}
            <span class="quiet"> (how much better than its group)</span>
          </td>
        </tr>
      </tfoot>
    </table>
  )
}
