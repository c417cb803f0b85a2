// Builds the app into dist/app, which the scorecard service embeds. dist/index.html beside it is the committed
// placeholder that is served where the app was not built; the build never touches it.
import { defineConfig } from 'vitest/config'
import { fixtureServer } from './dev/fixture-server.ts'

export default defineConfig(({ command }) => ({
  base: '/',
  plugins: command === 'serve' ? [fixtureServer()] : [],
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2022',
    // The polyfill would need an inline script, which the content security policy forbids.
    modulePreload: { polyfill: false },
    // Nothing as a data: URL, for the same reason.
    assetsInlineLimit: 0,
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
  },
}))
