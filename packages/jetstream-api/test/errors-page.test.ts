import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { API_ERRORS } from '@rivulet/jetstream-core'

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| (\d+) \| (\d+) \| (.*) \| `(\w+)` \|$/gm)].map((match) => [
    match[4] as string,
    { errCode: Number(match[1]), code: Number(match[2]), description: (match[3] as string).replaceAll('\\|', '|') },
  ]),
)

describe('the page of errors', () => {
  it('has a row for every error, and no other', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(API_ERRORS).sort())
  })

  it('says what the table says', () => {
    expect(Object.fromEntries(rows)).toEqual(API_ERRORS)
  })
})
