import { z } from 'zod'
import { type Api, given, parsed } from '../api.ts'
import { idOf } from '../runs/routes.ts'
import type { RunsFolder } from '../runs/runs-folder.ts'
import { Asked, type QuestionReader } from './asked.ts'
import { samplePage, sampleQuery } from './samples.ts'
import { ahaOf, questionHistory, sampleDetail } from './stories.ts'

/** What the models of a run responded, and the stories that this tells. */
export function sampleRoutes(api: Api, folder: RunsFolder, question: QuestionReader): void {
  const asked = new Asked(question)
  api.get('/runs/:id/samples', (context) =>
    folder.read(idOf(context), (store) => {
      const page = samplePage(store, parsed(sampleQuery, given(context.req.query())))
      return { ...page, samples: asked.add(store, page.samples) }
    }),
  )
  api.get('/runs/:id/samples/:sample', (context) => {
    const { sample } = parsed(sampleNumber, { sample: context.req.param('sample') ?? '' })
    return folder.read(idOf(context), (store) => {
      const detail = sampleDetail(store, sample)
      return { ...asked.add(store, [detail])[0], group: asked.add(store, detail.group) }
    })
  })
  api.get('/runs/:id/questions/:key', (context) =>
    folder.read(idOf(context), (store) => {
      const history = questionHistory(store, context.req.param('key') ?? '')
      const samples = asked.add(store, history.samples)
      return { ...history, asked: samples[0]!.asked, samples }
    }),
  )
  api.get('/runs/:id/aha', (context) =>
    folder.read(idOf(context), (store) => {
      const story = ahaOf(store)
      if (story.changed === null) return story
      const [before, after] = asked.add(store, [story.changed.before, story.changed.after])
      return { ...story, changed: { ...story.changed, asked: before!.asked, before, after } }
    }),
  )
}

const sampleNumber = z.object({ sample: z.coerce.number().int().min(0) })
