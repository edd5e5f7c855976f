import { describe, expect, it } from 'vitest'
import {
  JsonShapeError,
  consumerConfigFromJson,
  consumerConfigInputFromJson,
  consumerConfigShape,
  consumerConfigToJson,
  consumerMetaFromJson,
  consumerMetaToJson,
  decodeRequest,
  parseJson,
  stringShape,
  structShape,
  optional,
  writeJson,
} from '@rivulet/store-types'

const META =
  '{"Created":"2024-05-01T12:00:00Z","Name":"worker","durable_name":"worker","name":"worker","deliver_policy":"all",' +
  '"ack_policy":"explicit","ack_wait":30000000000,"max_deliver":-1,"replay_policy":"instant","max_waiting":512,' +
  '"max_ack_pending":1000,"num_replicas":0,"metadata":{"_nats.req.level":"0"}}'

describe('consumer configuration', () => {
  it('reads and writes meta.inf byte for byte', () => {
    const meta = consumerMetaFromJson(parseJson(META))

    expect(meta.name).toBe('worker')
    expect(meta.created).toBe(1714564800000000000n)
    expect(writeJson(consumerMetaToJson(meta))).toBe(META)
  })

  it('tells the directory name from the configured name', () => {
    const meta = consumerMetaFromJson(parseJson('{"Created":"0001-01-01T00:00:00Z","Name":"","name":"x"}'))

    expect([meta.name, meta.config.name, meta.created]).toEqual(['', 'x', 0n])
    expect(writeJson(consumerMetaToJson(meta))).toMatch(/^\{"Created":"0001-01-01T00:00:00Z","Name":"","name":"x",/)
  })

  it('keeps everything that can be set', () => {
    const text =
      '{"durable_name":"d","name":"d","description":"x","deliver_policy":"by_start_sequence","opt_start_seq":3,' +
      '"opt_start_time":"2024-05-01T12:00:00Z","ack_policy":"all","ack_wait":5,"max_deliver":4,"backoff":[5,6],' +
      '"filter_subject":"a","filter_subjects":["b","c"],"replay_policy":"original","rate_limit_bps":8,"sample_freq":"30%",' +
      '"max_waiting":2,"max_ack_pending":-1,"flow_control":true,"headers_only":true,"max_batch":9,"max_expires":10,' +
      '"max_bytes":11,"deliver_subject":"e","deliver_group":"g","idle_heartbeat":12,"inactive_threshold":13,"num_replicas":1,' +
      '"mem_storage":true,"direct":true,"sourcing":true,"metadata":{"a":"b"},"pause_until":"2024-05-01T12:00:00.1Z",' +
      '"priority_groups":["A"],"priority_policy":"pinned_client","priority_timeout":14}'

    expect(writeJson(consumerConfigToJson(consumerConfigFromJson(parseJson(text))))).toBe(text)
  })

  it('has no ack wait, no pending limit and 512 waiting requests on a pull consumer without acks', () => {
    const config = consumerConfigFromJson(parseJson('{}'))

    expect(config).toMatchObject({ ackPolicy: 'none', ackWait: 0n, maxAckPending: 0, maxWaiting: 512, maxDeliver: -1 })
  })

  it('takes the ack wait from the first backoff', () => {
    expect(consumerConfigFromJson(parseJson('{"ack_policy":"explicit","ack_wait":9,"backoff":[3,4]}')).ackWait).toBe(3n)
  })

  it('reads the deliver policy undefined as all', () => {
    expect(consumerConfigInputFromJson(parseJson('{"deliver_policy":"undefined"}'), { strict: true })).toEqual({ deliverPolicy: 'all' })
  })

  it.each([
    ['{"config":{"max_deliver":"1"}}', 'json: cannot unmarshal string into Go struct field ConsumerConfig.config.max_deliver of type int'],
    ['{"config":{"zzz":"1"}}', 'json: unknown field "zzz"'],
    ['{"config":{"deliver_policy":"first"}}', 'can not unmarshal "\\"first\\""'],
    ['{"config":{"priority_policy":"x"}}', 'unknown priority policy: "x"'],
    ['{"config":{"opt_start_time":5}}', 'Time.UnmarshalJSON: input is not a JSON string'],
  ])('%s is refused in the words of the reference', (body, text) => {
    const request = structShape<{ stream?: string; config?: object }>('CreateConsumerRequest', {
      stream: optional('stream_name', stringShape),
      config: optional('config', consumerConfigShape),
    })

    expect(() => decodeRequest(request, body, { strict: true })).toThrow(new JsonShapeError(text))
  })
})
