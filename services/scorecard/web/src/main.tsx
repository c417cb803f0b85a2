import { render } from 'preact'
import { App } from './app'
import { rememberedLocale, setLocale } from './format'
import { askEarly } from './pages/scorecard/early'
import { here } from './state/url'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/charts.css'
import './styles/pages.css'
import './styles/drawer.css'
import './styles/ingest.css'
import './styles/log.css'
import './styles/board.css'
import './styles/connect.css'
import './styles/print.css'

setLocale(rememberedLocale())
askEarly(here())

const root = document.getElementById('app')
if (root) render(<App />, root)
