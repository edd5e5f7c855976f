import { describe, expect, it } from 'vitest'
import {
  JsonShapeError,
  decodeRequest,
  parseJson,
  streamConfigFromJson,
  streamConfigInputFromJson,
  streamConfigRequestShape,
  streamConfigToJson,
  streamMetaFromJson,
  streamMetaToJson,
  writeJson,
} from '@rivulet/store-types'

const META =
  '{"Created":"2024-05-01T12:00:00Z","name":"ORDERS","subjects":["orders.\\u003e"],"retention":"limits","max_consumers":-1,' +
  '"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file",' +
  '"num_replicas":1,"duplicate_window":120000000000,"compression":"none","allow_direct":false,"mirror_direct":false,' +
  '"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"allow_msg_ttl":false,' +
  '"metadata":{"_nats.req.level":"0"}}'

describe('stream configuration', () => {
  it('reads and writes meta.inf byte for byte', () => {
    const meta = streamMetaFromJson(parseJson(META))

    expect(meta.created).toBe(1714564800000000000n)
    expect(writeJson(streamMetaToJson(meta))).toBe(META)
  })

  it('completes a configuration that has only a name', () => {
    const config = streamConfigFromJson(parseJson('{"name":"X"}'))

    expect(writeJson(streamConfigToJson(config))).toBe(
      '{"name":"X","subjects":["X"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,' +
        '"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file","num_replicas":1,' +
        '"duplicate_window":120000000000,"compression":"none","allow_direct":false,"mirror_direct":false,"sealed":false,' +
        '"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"allow_msg_ttl":false}',
    )
  })

  it('keeps everything that can be set', () => {
    const text =
      '{"name":"F","description":"d","retention":"workqueue","max_consumers":3,"max_msgs":4,"max_bytes":5,"max_age":60000000000,' +
      '"max_msgs_per_subject":6,"max_msg_size":7,"discard":"new","storage":"memory","num_replicas":3,"no_ack":true,' +
      '"duplicate_window":1000000000,"placement":{"cluster":"c","tags":["t"]},"mirror":{"name":"M","opt_start_seq":3,' +
      '"opt_start_time":"2024-05-01T12:00:00.000000001Z","filter_subject":"f","subject_transforms":[{"src":"a","dest":"b"}],' +
      '"external":{"api":"x","deliver":""},"consumer":{"name":"c"}},"sources":[{"name":"S"}],"compression":"s2","first_seq":9,' +
      '"subject_transform":{"src":"a.*","dest":"b.$1"},"republish":{"src":"s","dest":"d","headers_only":true},' +
      '"allow_direct":true,"mirror_direct":true,"discard_new_per_subject":true,"sealed":true,"deny_delete":true,' +
      '"deny_purge":true,"allow_rollup_hdrs":true,"consumer_limits":{"inactive_threshold":1,"max_ack_pending":2},' +
      '"allow_msg_ttl":true,"subject_delete_marker_ttl":1000000000,"allow_msg_counter":true,"allow_atomic":true,' +
      '"allow_msg_schedules":true,"persist_mode":"async","allow_batched":true,"metadata":{"a":"1","b":"2"}}'

    expect(writeJson(streamConfigToJson(streamConfigFromJson(parseJson(text))))).toBe(text)
  })

  it('gives mirrors and sources neither subjects nor a duplicate window', () => {
    const config = streamConfigFromJson(parseJson('{"name":"M","mirror":{"name":"O"}}'))

    expect(config.subjects).toEqual([])
    expect(config.duplicateWindow).toBe(0n)
  })

  it('bounds the default duplicate window by the age', () => {
    expect(streamConfigFromJson(parseJson('{"name":"M","max_age":1000000000}')).duplicateWindow).toBe(1_000_000_000n)
  })

  it('makes limits of 0 and below -1 unlimited', () => {
    const config = streamConfigFromJson(parseJson('{"name":"A","max_msgs":0,"max_bytes":-5,"max_msg_size":0}'))

    expect([config.maxMessages, config.maxBytes, config.maxMessageSize]).toEqual([-1, -1, -1])
  })

  it('matches member names without regard to case', () => {
    expect(streamConfigInputFromJson(parseJson('{"NAME":"A","Max_Msgs":3}'), { strict: true })).toEqual({ name: 'A', maxMessages: 3 })
  })

  it('applies no default to what is asked for', () => {
    expect(streamConfigInputFromJson(parseJson('{"name":"A","discard":"NEW"}'), { strict: true })).toEqual({ name: 'A', discard: 'new' })
  })

  it('refuses an unknown field when strict, and only then', () => {
    const value = parseJson('{"name":"X","zzz":1,"mirror":{"name":"A","yyy":{}}}')

    expect(() => streamMetaFromJson(value)).toThrow('json: unknown field "zzz"')
    expect(streamConfigInputFromJson(value, { strict: false })).toEqual({ name: 'X', mirror: { name: 'A' } })
  })

  it('refuses an integer that can not be kept exactly', () => {
    expect(() => streamConfigFromJson(parseJson('{"name":"X","max_msgs":9007199254740993}'))).toThrow('number 9007199254740993')
  })
})

describe('stream requests', () => {
  // Texts of the reference; see also the transcript stream-create-basic.
  it.each([
    ['{"name":5}', 'json: cannot unmarshal number into Go struct field StreamConfigRequest.StreamConfig.name of type string'],
    ['{"name":"E","max_msgs":"1"}', 'json: cannot unmarshal string into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64'],
    ['{"subjects":"e"}', 'json: cannot unmarshal string into Go struct field StreamConfigRequest.StreamConfig.subjects of type []string'],
    ['{"max_age":1.5}', 'json: cannot unmarshal number 1.5 into Go struct field StreamConfigRequest.StreamConfig.max_age of type time.Duration'],
    ['{"sealed":"yes"}', 'json: cannot unmarshal string into Go struct field StreamConfigRequest.StreamConfig.sealed of type bool'],
    ['{"metadata":{"a":1}}', 'json: cannot unmarshal number into Go struct field StreamConfigRequest.StreamConfig.metadata of type string'],
    ['{"mirror":"x"}', 'json: cannot unmarshal string into Go struct field StreamConfigRequest.StreamConfig.mirror of type server.StreamSource'],
    ['{"sources":{}}', 'json: cannot unmarshal object into Go struct field StreamConfigRequest.StreamConfig.sources of type []*server.StreamSource'],
    ['{"pedantic":"x"}', 'json: cannot unmarshal string into Go struct field StreamConfigRequest.pedantic of type bool'],
    ['[]', 'json: cannot unmarshal array into Go value of type server.StreamConfigRequest'],
    ['"x"', 'json: cannot unmarshal string into Go value of type server.StreamConfigRequest'],
    ['{"retention":"Limits"}', 'can not unmarshal "\\"Limits\\""'],
    ['{"storage":""}', 'can not unmarshal "\\"\\""'],
    ['{"compression":"S2"}', 'unknown compression algorithm'],
    ['{"persist_mode":"sync"}', 'can not unmarshal "\\"sync\\""'],
    ['{"nonsense":1}', 'json: unknown field "nonsense"'],
    ['{"max_msg_size":3000000000}', 'json: cannot unmarshal number 3000000000 into Go struct field StreamConfigRequest.StreamConfig.max_msg_size of type int32'],
    ['{', 'unexpected EOF'],
    ['{"name":"E"}}', "invalid character '}' looking for beginning of value at offset 13"],
  ])('%s is refused in the words of the reference', (body, text) => {
    expect(() => decodeRequest(streamConfigRequestShape, body, { strict: true })).toThrow(new JsonShapeError(text))
  })

  it('reads null, nothing and white space as an empty request', () => {
    for (const body of ['null', '', ' \n']) expect(decodeRequest(streamConfigRequestShape, body, { strict: true })).toEqual({})
  })

  it('reads leniently when not strict', () => {
    const request = decodeRequest(streamConfigRequestShape, '{"name":"E","zzz":1,"pedantic":true}', { strict: false })

    expect(request).toEqual({ name: 'E', pedantic: true })
    expect(() => decodeRequest(streamConfigRequestShape, '{', { strict: false })).toThrow('unexpected end of JSON input')
  })
})
