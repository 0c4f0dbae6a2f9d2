import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { startFake, TOKEN } from './server.ts'

/** `npm run studio:dev`: the page as it is being worked on, with made-up runs of which one goes on. */
const fake = await startFake({ page: 'none', pace: 80 })
const vite = await createServer({
  configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)),
  server: { proxy: { '/studio/api': fake.url, '/studio/models': fake.url } },
})
await vite.listen()
setInterval(() => fake.advance('zero-2'), 1000)
console.log(`${vite.resolvedUrls?.local[0]}#token=${TOKEN}`)
