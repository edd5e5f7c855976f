import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@rivulet/source'] },
  ssr: { resolve: { conditions: ['@rivulet/source', 'node', 'import', 'module', 'default'] } },
  test: { include: ['packages/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'], testTimeout: 30_000 },
})
