import { defineConfig } from 'vitest/config'
import { textPlugin } from './tools/text_plugin.ts'

export default defineConfig({
  plugins: [textPlugin()],
  test: { include: ['test/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000, pool: 'forks', maxWorkers: 2, setupFiles: [] },
})
