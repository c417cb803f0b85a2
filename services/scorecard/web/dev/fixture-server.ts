/**
 * Answers the API from fixtures while the app is developed with `npm run dev` and no server runs. Never part of the build.
 * With PLUMBLINE_API=http://127.0.0.1:8080 requests go to a real server instead.
 */
import type { Plugin } from 'vite'
import { answer } from '../fixtures/answers.ts'

export function fixtureServer(): Plugin {
  const real = process.env['PLUMBLINE_API']
  return {
    name: 'plumbline-fixtures',
    config: () => (real ? { server: { proxy: { '/api': real, '/v1': real, '/signin': real } } } : {}),
    configureServer(server) {
      if (real) return
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? '/', 'http://localhost')
        if (!url.pathname.startsWith('/api/')) return next()
        const { status, body } = answer(url)
        response.statusCode = status
        response.setHeader('content-type', status < 400 ? 'application/json' : 'application/problem+json')
        response.end(JSON.stringify(body))
      })
    },
  }
}
