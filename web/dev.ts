import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { startStudio } from './test/server.ts'

/** `npm run studio:dev [FOLDER]`: the page as it is being worked on, with the runs of a folder. */
const { url, token } = await startStudio(process.argv[2] ?? 'runs')
/** Only the server's own page may read, and this page comes from Vite. */
const proxy = {
  target: url,
  changeOrigin: true,
  configure: (through: { on(event: 'proxyReq', listener: (request: HeaderRequest) => void): void }) =>
    through.on('proxyReq', (request) => {
      for (const name of ['origin', 'sec-fetch-site']) request.removeHeader(name)
    }),
}
interface HeaderRequest {
  removeHeader(name: string): void
}
const vite = await createServer({
  configFile: fileURLToPath(new URL('vite.config.ts', import.meta.url)),
  server: { proxy: { '/studio/api': proxy, '/studio/models': proxy } },
})
await vite.listen()
console.log(`${vite.resolvedUrls?.local[0]}#token=${token}`)
