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
    rolldownOptions: {
      output: {
        // Pages that one person opens one after the other are one file: they have much in common, and are smaller together.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'administration', test: /src\/pages\/(keys|audit|settings|connect)\// },
            { name: 'work', test: /src\/pages\/(log|impact|barriers|workflows|disputes)\// },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
  },
}))
