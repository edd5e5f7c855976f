import { describe, expect, it } from 'vitest'
import { ApiError } from '@rivulet/jetstream-core'
import { namedConfig } from '../../src/calls/consumer-names.js'
import type { ConsumerCreateRequest } from '../../src/request/request-shapes.js'
import { parseApiSubject, type ApiSubject } from '../../src/subject/api-subject.js'

function outcome(subject: string, request: ConsumerCreateRequest): number | string {
  try {
    return namedConfig(parseApiSubject(`$JS.API.CONSUMER.${subject}`) as ApiSubject, request).name ?? ''
  } catch (error) {
    if (error instanceof ApiError) return error.errCode
    throw error
  }
}

describe('names in consumer create requests', () => {
  it.each<[string, ConsumerCreateRequest['config'], number | string]>([
    ['CREATE.S', {}, ''],
    ['CREATE.S', { name: 'e' }, 'e'],
    ['CREATE.S', { durableName: 'd' }, 10020],
    ['CREATE.S', { name: 'a/b' }, 10127],
    ['CREATE.S.c', {}, 'c'],
    ['CREATE.S.c', { name: 'other' }, 'c'],
    ['CREATE.S.c', { durableName: 'c' }, 'c'],
    ['CREATE.S.c', { durableName: 'other' }, 10017],
    ['CREATE.S.a/b', {}, 10127],
    ['CREATE.S.c.s.a', { filterSubject: 's.a' }, 'c'],
    ['CREATE.S.c.s.>', { filterSubject: 's.>' }, 'c'],
    ['CREATE.S.c.s.a', {}, 10131],
    ['CREATE.S.c.s.a', { filterSubject: 's.b' }, 10131],
    ['CREATE.S.c.s.a', { filterSubjects: ['s.a'] }, 10137],
    ['DURABLE.CREATE.S.c', { durableName: 'c', name: 'x' }, 'c'],
    ['DURABLE.CREATE.S.c', {}, 10018],
    ['DURABLE.CREATE.S.c', { durableName: 'x' }, 10017],
  ])('%s with %j gives %s', (subject, config, expected) => {
    expect(outcome(subject, { streamName: 'S', config: config ?? {} })).toBe(expected)
  })

  it('the stream of subject and body are one', () => {
    expect(outcome('CREATE.S.c', { streamName: 'T' })).toBe(10056)
    expect(outcome('CREATE.S.c', {})).toBe(10056)
    expect(outcome('CREATE.S.a/b', { streamName: 'T' })).toBe(10056)
  })
})
