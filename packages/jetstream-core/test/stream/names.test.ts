import { describe, expect, test } from 'vitest'
import { Engine } from '../consumer/support/engine.js'

const FORBIDDEN = ['.', '*', '>', '/', '\\', ' ', '\t', '\r', '\n', '\f']

describe('names', () => {
  test('of streams hold none of the characters that subjects and paths need', async () => {
    const engine = await Engine.start()

    for (const c of FORBIDDEN) {
      const made = engine.stream({ name: `a${c}b`, subjects: ['a'] })
      await expect(made, JSON.stringify(c)).rejects.toMatchObject({ errCode: 10052 })
    }
    await expect(engine.stream({ name: '' })).rejects.toMatchObject({ errCode: 10052 })
  })

  test('of consumers hold none of the characters that subjects and paths need', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()

    for (const c of FORBIDDEN) {
      await expect(engine.consumer(stream, { name: `a${c}b` }), JSON.stringify(c)).rejects.toMatchObject({ errCode: 10052 })
      await expect(engine.consumer(stream, { durableName: `a${c}b` }), JSON.stringify(c)).rejects.toMatchObject({ errCode: 10052 })
    }
  })

  test('of 255 characters are answered in full', async () => {
    const engine = await Engine.start()
    const name = 'n'.repeat(255)
    await engine.stream({ name })
    const inbox = engine.listen()

    engine.send('s.a', 'x', inbox.subject)

    expect(JSON.parse(inbox.payloads[0] as string)).toEqual({ stream: name, seq: 1 })
  })
})
