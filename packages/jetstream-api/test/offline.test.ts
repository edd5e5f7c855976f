import { beforeEach, describe, expect, it } from 'vitest'
import { completeStreamConfig, type RecoveredStream, type StorageKind, type StreamStorage } from '@rivulet/store-types'
import { Harness } from './harness.js'

const REASON = 'unsupported - required API level: 99'

/** A storage that found one stream, which can not be served. */
function storageWithOffline(kind: StorageKind): StreamStorage {
  const found: RecoveredStream = {
    name: 'OFF',
    config: completeStreamConfig({ name: 'OFF' }),
    created: 0n,
    open: () => Promise.reject(new Error('nobody opens it')),
    problem: REASON,
  }
  return {
    kind,
    recover: async () => (kind === 'file' ? [found] : []),
    create: () => Promise.reject(new Error('nobody makes one')),
  }
}

let api: Harness
beforeEach(async () => {
  api = await Harness.start({ engine: { storage: (_account, kind) => storageWithOffline(kind) } })
})

describe('a stream that can not be served', () => {
  it.each([
    ['STREAM.INFO.OFF', ''],
    ['STREAM.UPDATE.OFF', '{"name":"OFF"}'],
    ['CONSUMER.CREATE.OFF.c', '{"stream_name":"OFF","config":{}}'],
  ])('is reported half a second late by %s', async (call, payload) => {
    const inbox = api.subscribe('inbox')

    api.send(`$JS.API.${call}`, { reply: 'inbox', payload })
    await api.settle()
    expect(inbox.take()).toEqual([])
    await api.advance(500)

    const error = { code: 500, err_code: 10194, description: `stream is offline: ${REASON}` }
    expect(inbox.take().map((reply) => JSON.parse(reply.text))).toMatchObject([{ error }])
  })

  it.each([
    ['STREAM.MSG.GET.OFF', '{"seq":1}'],
    ['CONSUMER.PAUSE.OFF.c', ''],
    ['CONSUMER.UNPIN.OFF.c', '{"group":"g"}'],
  ])('is passed over in silence by %s', async (call, payload) => {
    const inbox = api.subscribe('inbox')

    api.send(`$JS.API.${call}`, { reply: 'inbox', payload })
    await api.advance(1000)

    expect(inbox.take()).toEqual([])
  })

  it('stands in lists with its reason', async () => {
    expect(await api.ask('STREAM.NAMES')).toMatchObject({ total: 1, streams: ['OFF'] })
    expect(await api.ask('STREAM.LIST')).toMatchObject({
      total: 1,
      streams: [],
      missing: ['OFF'],
      offline: { OFF: REASON },
    })
  })

  it('holds up no other request', async () => {
    api.send('$JS.API.STREAM.INFO.OFF', { reply: 'inbox' })

    expect(await api.ask('INFO')).toMatchObject({ api: { total: 0, errors: 0, inflight: 1 } })
  })
})
