import { z } from 'zod'
import { RequestError } from '../../problem.ts'
import { type Api, given, parsed } from '../api.ts'
import type { Evaluations } from '../control.ts'
import { idOf } from '../runs/routes.ts'
import type { RunsFolder } from '../runs/runs-folder.ts'
import { dataRows, rowsQuery } from './data-rows.ts'
import { dataSetsOf } from './data-sets.ts'

/** The data that runs made. */
export function dataRoutes(api: Api, folder: RunsFolder): void {
  api.get('/runs/:id/data', (context) =>
    folder.read(idOf(context), (store) => ({ dataSets: dataSetsOf(store) })),
  )
  api.get('/runs/:id/data/:name', (context) =>
    dataRows(
      folder.directoryOf(idOf(context)),
      context.req.param('name') ?? '',
      parsed(rowsQuery, given(context.req.query())),
    ),
  )
}

/** Evaluations, with the answers that they have kept. */
export function evaluationRoutes(api: Api, evaluations: Evaluations): void {
  api.get('/evals', () => ({ evals: evaluations.list() }))
  api.get('/evals/:id', (context) => there(evaluations.read(idOf(context))))
  api.get('/evals/:id/answers', (context) => {
    const { cell, question } = parsed(answersQuery, context.req.query())
    return there(evaluations.answers(idOf(context), cell, question))
  })
}

const answersQuery = z.object({ cell: z.coerce.number().int().min(0), question: z.string().optional() })

/** @throws RequestError if there is nothing. */
function there(found: object | null): object {
  if (found === null) throw new RequestError('notFound', 'there is no such evaluation here')
  return found
}
