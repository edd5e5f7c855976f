/** The example of the README runs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as serverModule from '../src/index.js'

test('the example prints what it says', async () => {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-readme-'))
  const example = (/```ts\n([^]*?)```/.exec(page)?.[1] ?? '')
    .replace(/import \{ createServer \} .*\n/, '')
    .replace("'./data'", 'folder')
  const printed: unknown[] = []
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<void>

  await new AsyncFunction('createServer', 'folder', 'console', example)(serverModule.createServer, folder, {
    log: (value: unknown) => void printed.push(value),
  })

  expect(printed).toEqual(['hello'])
  rmSync(folder, { recursive: true, force: true })
})
