/** docs/errors.md against the tables in the code, both ways. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

function sources(folder: string): string {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return names.map((name) => readFileSync(join(root, folder, name), 'utf8')).join('\n')
}

test('every code of a store has a heading, and every heading is a code', () => {
  const table = readFileSync(join(root, 'packages/store-types/src/errors.ts'), 'utf8')
  const codes = [...table.matchAll(/^ {2}\| '(STORE_[A-Z_]+)'/gm)].map((match) => match[1])
  const headings = [...page.matchAll(/^## (STORE_[A-Z_]+)$/gm)].map((match) => match[1])

  expect(codes.length).toBeGreaterThan(15)
  expect(headings).toEqual(codes)
})

test('every code of a store says what it means', () => {
  for (const section of page.split(/^## (?=STORE)/m).slice(1)) expect(section.split('\n').slice(1).join('').trim()).not.toBe('')
})

test('every -ERR text of the page is one that the server sends, and every one it sends is on the page', () => {
  const told = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => (match[1] as string).replace(/ "….*$/, ''))
  const code = sources('packages/client-core/src') + sources('packages/server/src')
  const sent = [
    ...[...code.matchAll(/\berror: ['`]([^'`$]+)/g)].map((match) => match[1] as string),
    ...[...code.matchAll(/\bconst error = `([^`$]+)/g)].map((match) => match[1] as string),
    ...[...code.matchAll(/\bclose\('[^']+', '([^']+)'\)/g)].map((match) => match[1] as string),
    ...[...code.matchAll(/\b(?:refuse|sendError)\(['`]([^'`$]+)/g)].map((match) => match[1] as string),
  ].map((text) => text.trim())

  expect(sent.length).toBeGreaterThan(8)
  for (const text of told) expect(code).toContain(text)
  for (const text of sent) expect(told.some((line) => line.startsWith(text))).toBe(true)
})
