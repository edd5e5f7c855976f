import { describe, expect, it } from 'vitest'
import { filteredStateToJson, streamStateToJson, writeJson, type StreamState } from '@rivulet/store-types'

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
