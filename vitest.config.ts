import { defineConfig } from 'vitest/config'
import { textPlugin } from './tools/text_plugin.ts'

export default defineConfig({
  plugins: [textPlugin()],
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, pool: 'forks', maxWorkers: 2, setupFiles: [] },
})
