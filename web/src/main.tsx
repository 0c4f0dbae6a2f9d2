import { render } from 'preact'
import { listen } from './api/live.ts'
import { takeToken } from './api/token.ts'
import './styles/base.css'
import './styles/parts.css'
import './styles/pages.css'

takeToken()
addEventListener('hashchange', takeToken)
// The router reads the address when it is loaded, which must be after the token has been taken out of it.
const { App } = await import('./app.tsx')
const page = document.getElementById('page')!
page.replaceChildren()
render(<App />, page)
void listen()
