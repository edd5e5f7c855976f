import { Subscription } from '@rivulet/accounts'
import type { MessageView } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { ListStream } from '../support/list-stream.js'

/** Subjects under which publishes on `subjects` go out once more. */
function republished(source: string, destination: string, subjects: readonly string[]): string[] {
  const stream = new ListStream({ subjects: ['>'], noAck: true, republish: { source, destination, headersOnly: false } })
  const heard: string[] = []
  const sink = { deliver: (message: MessageView) => void heard.push(message.subject()) }
  stream.account.subscriptions.insert(new Subscription({ subject: '>', sink }))
  for (const subject of subjects) stream.request(subject, 'x')
  expect(stream.kept).toHaveLength(subjects.length)
  return heard
}

describe('a republished subject', () => {
  test('of one token is the one it is mapped to', () => {
    expect(republished('one', 'uno', ['one', 'two', 'one.two'])).toEqual(['uno'])
  })

  test('of several tokens takes over what wildcards stand for', () => {
    expect(republished('one.two.>', 'RP.>', ['one.two.three.four', 'one.three.x'])).toEqual(['RP.three.four'])
    expect(republished('a.*.*', 'b.$2.$1', ['a.x.y', 'a.x'])).toEqual(['b.y.x'])
  })

  test('is any under a prefix when the source is everything', () => {
    expect(republished('>', 'RP.>', ['one', 'one.two.three'])).toEqual(['RP.one', 'RP.one.two.three'])
  })

  test('is none where the source does not match', () => {
    expect(republished('one', 'uno', ['two'])).toEqual([])
    expect(republished('one.*.three', 'RP.$1', ['one.two', 'two.two.three'])).toEqual([])
  })

  test('may take tokens in part', () => {
    expect(republished('*', 'l.{{left(1,3)}}', ['abcdef', 'ab'])).toEqual(['l.abc', 'l.ab'])
    expect(republished('*', 'r.{{right(1,2)}}', ['abcdef'])).toEqual(['r.ef'])
  })

  test('that would be no literal subject is not published', () => {
    expect(republished('*.*', 'out.{{left(1,1)}}.{{wildcard(2)}}', ['a.b', 'a.b\r\nPUB'])).toEqual(['out.a.b'])
    expect(republished('*', 'out.{{wildcard(1)}}', ['a b', 'ok'])).toEqual(['out.ok'])
  })
})
