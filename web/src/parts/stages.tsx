import type { RunDetail } from '../api/types.ts'
import { link } from '../router.ts'

/** Leads to a page of each stage of a run. */
export const Stages = ({ of: { sections }, page }: { of: RunDetail; page: string }) => (
  <p>
    Its stages have their own:{' '}
    {sections.map(({ id, name }, i) => (
      <span key={id}>
        {i > 0 && ', '}
        <a href={link(['run', id, page])}>{name}</a>
      </span>
    ))}
  </p>
)
