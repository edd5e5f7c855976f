import { describe, expect, test } from 'vitest'
import { TestServer } from '../support/test-server.js'

const OK = [200, '{"status":"ok"}']

async function serverWithStream(): Promise<TestServer> {
  const server = new TestServer()
  const account = await server.startJetStream()
  const { stream } = await server.settled(
    account.createStream({ name: 'S', subjects: ['s'], storage: 'memory' }, { pedantic: false }),
  )
  await server.settled(stream.createConsumer({ durableName: 'C' }, { action: '', pedantic: false } as never))
  return server
}

function health(server: TestServer, query = ''): [status: number, body: string] {
  const { status, body, headers } = server.ask(`/healthz${query}`)
  expect(headers['Content-Type']).toBe('application/json')
  return [status, body]
}

describe('/healthz', () => {
  test('is ok, compact, whatever is asked, where JetStream is not configured', () => {
    for (const query of ['', '?js-enabled-only=1', '?js-server-only=true', '?details=1', '?account=$G&stream=S']) {
      expect(health(new TestServer(), query)).toEqual(OK)
    }
  })

  test('is an error until clients can connect', () => {
    const server = new TestServer()
    server.isReady = false

    expect(health(server)).toEqual([500, '{"status":"error","error":"failed to be ready for connections after 1ms: server"}'])
  })

  test('is unavailable while JetStream is configured and does not run', () => {
    const server = new TestServer((options) => {
      options.jetStream.isEnabled = true
    })

    expect(health(server)).toEqual([503, '{"status":"unavailable","error":"JetStream not enabled (10076)"}'])
    expect(health(server, '?details=1')).toEqual([
      503,
      '{"status":"error","errors":[{"type":"JETSTREAM","error":"JetStream not enabled (10076)"}]}',
    ])
    expect(health(server, '?js-server-only=1')).toEqual(OK)
  })

  test('finds accounts, streams and consumers, also those in memory', async () => {
    const server = await serverWithStream()

    expect(health(server, '?account=$G')).toEqual(OK)
    expect(health(server, '?account=$G&stream=S')).toEqual(OK)
    expect(health(server, '?account=$G&stream=S&consumer=C')).toEqual(OK)
  })

  test.each([
    ['?account=NONE&stream=S', 404, '{"status":"unavailable","error":"JetStream account \\"NONE\\" not found"}'],
    ['?account=$G&stream=N', 404, '{"status":"unavailable","error":"JetStream stream \\"N\\" not found on account \\"$G\\""}'],
    [
      '?account=$G&stream=S&consumer=N',
      404,
      '{"status":"unavailable","error":"JetStream consumer \\"N\\" not found for stream \\"S\\" on account \\"$G\\""}',
    ],
    ['?stream=S', 400, '{"status":"error","error":"\\"account\\" must not be empty when checking stream health"}'],
    ['?consumer=C', 400, '{"status":"error","error":"\\"stream\\" must not be empty when checking consumer health"}'],
    [
      '?account=$G&stream=N&details=true',
      404,
      '{"status":"error","errors":[{"type":"STREAM","account":"$G","stream":"N","error":"JetStream stream \\"N\\" not found on account \\"$G\\""}]}',
    ],
  ])('%s', async (query, status, body) => {
    expect(health(await serverWithStream(), query)).toEqual([status, body])
  })

  test('a query that is no boolean is a bad request', () => {
    expect(new TestServer().ask('/healthz?details=x')).toMatchObject({
      status: 400,
      body: `Error decoding boolean for 'details': strconv.ParseBool: parsing "x": invalid syntax`,
    })
  })
})
