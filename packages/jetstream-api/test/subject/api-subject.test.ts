import { describe, expect, it } from 'vitest'
import { API_CALL_NAMES, isInfoCall, parseApiSubject } from '../../src/subject/api-subject.js'
import { definitionOf } from '../../src/calls/call-table.js'

describe('subjects of the API', () => {
  it.each([
    ['$JS.API.INFO', 'INFO', '', '', ''],
    ['$JS.API.STREAM.NAMES', 'STREAM.NAMES', '', '', ''],
    ['$JS.API.STREAM.CREATE.S', 'STREAM.CREATE', 'S', '', ''],
    ['$JS.API.STREAM.MSG.GET.S', 'STREAM.MSG.GET', 'S', '', ''],
    ['$JS.API.STREAM.INFO.MSG', 'STREAM.INFO', 'MSG', '', ''],
    ['$JS.API.STREAM.PEER.REMOVE.S', 'STREAM.PEER.REMOVE', 'S', '', ''],
    ['$JS.API.CONSUMER.CREATE.S', 'CONSUMER.CREATE', 'S', '', ''],
    ['$JS.API.CONSUMER.CREATE.S.c', 'CONSUMER.CREATE', 'S', 'c', ''],
    ['$JS.API.CONSUMER.CREATE.S.c.a.*.>', 'CONSUMER.CREATE', 'S', 'c', 'a.*.>'],
    ['$JS.API.CONSUMER.DURABLE.CREATE.S.c', 'CONSUMER.DURABLE.CREATE', 'S', 'c', ''],
    ['$JS.API.CONSUMER.LEADER.STEPDOWN.S.c', 'CONSUMER.LEADER.STEPDOWN', 'S', 'c', ''],
  ])('%s is %s', (subject, call, stream, consumer, filter) => {
    expect(parseApiSubject(subject)).toEqual({ call, stream, consumer, filter })
  })

  it.each([
    '$JS.API.NOPE',
    '$JS.API.STREAM',
    '$JS.API.INFO.x',
    '$JS.API.STREAM.NAMES.x',
    '$JS.API.STREAM.INFO',
    '$JS.API.STREAM.INFO.A.B',
    '$JS.API.STREAM.MSG.GET',
    '$JS.API.CONSUMER.CREATE',
    '$JS.API.CONSUMER.DURABLE.CREATE.S',
    '$JS.API.CONSUMER.DURABLE.CREATE.S.c.d',
    '$JS.API.CONSUMER.INFO.S',
    '$JS.API.CONSUMER.INFO.S.c.x',
    '$JS.API.STREAM.TEMPLATE.CREATE.T',
    '$JS.ACK.S.c.1.1.1.1.0',
  ])('%s is no call', (subject) => {
    expect(parseApiSubject(subject)).toBeUndefined()
  })

  it('names leave as text', () => {
    const wire = Buffer.from('$JS.API.STREAM.INFO.größe').latin1Slice()

    expect(parseApiSubject(wire)?.stream).toBe('größe')
  })

  it('every call has a handler', () => {
    for (const call of API_CALL_NAMES) expect(definitionOf(call).call).toBe(call)
  })

  it('calls that only look are told apart', () => {
    expect(API_CALL_NAMES.filter(isInfoCall)).toEqual([
      'INFO',
      'STREAM.NAMES',
      'STREAM.LIST',
      'STREAM.INFO',
      'CONSUMER.NAMES',
      'CONSUMER.LIST',
      'CONSUMER.INFO',
    ])
  })
})
