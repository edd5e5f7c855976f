import { describe, expect, it } from 'vitest'
import {
  consumerStateFromJson,
  consumerStateToJson,
  filteredStateToJson,
  parseJson,
  streamStateToJson,
  writeJson,
  type StreamState,
} from '@rivulet/store-types'

const EMPTY: StreamState = {
  messageCount: 0,
  byteCount: 0,
  firstSequence: 0,
  firstTime: 0n,
  lastSequence: 0,
  lastTime: 0n,
  subjectCount: 0,
  deletedCount: 0,
  consumerCount: 0,
}

describe('a stream state', () => {
  it('has zero times and leaves out what is empty', () => {
    expect(writeJson(streamStateToJson(EMPTY))).toBe(
      '{"messages":0,"bytes":0,"first_seq":0,"first_ts":"0001-01-01T00:00:00Z","last_seq":0,"last_ts":"0001-01-01T00:00:00Z",' +
        '"consumer_count":0}',
    )
  })

  it('lists subjects, deleted and lost messages', () => {
    const state = {
      ...EMPTY,
      firstSequence: 1,
      firstTime: 1_500_000_000n,
      subjectCount: 2,
      deletedCount: 1,
      deleted: [2],
      lost: { sequences: [], byteCount: 9 },
    }
    const subjects = new Map([
      ['b', 1],
      ['a', 2],
    ])

    expect(writeJson(streamStateToJson(state, subjects))).toBe(
      '{"messages":0,"bytes":0,"first_seq":1,"first_ts":"1970-01-01T00:00:01.5Z","last_seq":0,"last_ts":"0001-01-01T00:00:00Z",' +
        '"num_subjects":2,"subjects":{"a":2,"b":1},"num_deleted":1,"deleted":[2],"lost":{"msgs":null,"bytes":9},"consumer_count":0}',
    )
    expect(writeJson(filteredStateToJson({ messageCount: 1, firstSequence: 2, lastSequence: 3 }))).toBe(
      '{"messages":1,"first_seq":2,"last_seq":3}',
    )
  })
})

describe('a consumer state', () => {
  const state = {
    delivered: { consumerSequence: 3, streamSequence: 5 },
    ackFloor: { consumerSequence: 1, streamSequence: 2 },
    pending: new Map([[4, { deliverySequence: 2, timestampMs: 1_700_000_000_123 }]]),
    redelivered: new Map([[4, 2]]),
  }

  it('comes back from its JSON', () => {
    const text = writeJson(consumerStateToJson(state))

    expect(text).toBe(
      '{"delivered":{"consumer_seq":3,"stream_seq":5},"ack_floor":{"consumer_seq":1,"stream_seq":2},' +
        '"pending":{"4":{"Sequence":2,"Timestamp":1700000000123000000}},"redelivered":{"4":2}}',
    )
    expect(consumerStateFromJson(parseJson(text))).toEqual(state)
  })

  it('is zero where nothing is said', () => {
    expect(consumerStateFromJson(parseJson('{"pending":null}'))).toMatchObject({
      delivered: { consumerSequence: 0, streamSequence: 0 },
      pending: new Map(),
    })
  })

  it.each(['[]', '{"delivered":1}', '{"pending":{"x":{}}}', '{"redelivered":{"1":-1}}', '{"pending":{"1":{"Timestamp":"x"}}}'])(
    'of %s is refused',
    (text) => {
      expect(() => consumerStateFromJson(parseJson(text))).toThrow(/^(the |pending|"|a pair|redelivered)/)
    },
  )
})
