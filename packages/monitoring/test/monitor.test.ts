import { describe, expect, test } from 'vitest'
import { writeIndentedJson } from '../src/http/indented-json.js'
import { TestServer } from './support/test-server.js'

describe('pages', () => {
  test.each(['/varz', '/connz', '/subsz', '/accountz', '/accstatz', '/jsz', '/leafz', '/routez', '/gatewayz', '/ipqueuesz', '/stacksz'])(
    '%s is JSON that every origin may read',
    (path) => {
      const { status, headers, body } = new TestServer().ask(path)

      expect(status).toBe(200)
      expect(headers).toEqual({ 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' })
      expect(() => JSON.parse(body)).not.toThrow()
    },
  )

  test('the root links to the others', () => {
    const server = new TestServer()
    const { status, headers, body } = server.ask('/')

    expect([status, headers['Content-Type']]).toEqual([200, 'text/html; charset=utf-8'])
    const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, href]) => href as string)
    expect(links.length).toBeGreaterThan(8)
    for (const link of links) expect(server.ask(link).body).not.toContain('404')
  })

  test('what does not exist is not found', () => {
    for (const path of ['/nothing', '/VARZ', '/varz/', '/expvarz']) {
      expect(new TestServer().ask(path)).toEqual({
        status: 404,
        headers: { 'Content-Type': 'text/plain; charset=utf-8' },
        body: '404 page not found\n',
      })
    }
    expect(new TestServer().ask('/raftz')).toMatchObject({ status: 404, body: 'No Raft nodes registered' })
  })

  test('a base path stands before all of them', () => {
    const server = new TestServer((options) => {
      options.httpBasePath = '/nats'
    })

    expect(['/nats', '/nats/varz', '/nats/connz'].map((path) => server.ask(path).status)).toEqual([200, 200, 200])
    expect(['/', '/varz', '/nats/'].map((path) => server.ask(path).status)).toEqual([404, 404, 404])
    expect(server.ask('/nats').body).toContain('href="/nats/varz"')
  })

  test.each([
    ['/leafz?subs=x', 'subs'],
    ['/routez?subs=x', 'subs'],
    ['/gatewayz?accs=x', 'accs'],
    ['/ipqueuesz?all=x', 'all'],
    ['/accstatz?unused=x', 'unused'],
  ])('%s is a bad request', (target, name) => {
    expect(new TestServer().ask(target)).toMatchObject({
      status: 400,
      body: `Error decoding boolean for '${name}': strconv.ParseBool: parsing "x": invalid syntax`,
    })
  })

  test('links are empty lists, not null', () => {
    const server = new TestServer()

    expect(server.json('/routez?subs=detail')).toMatchObject({ num_routes: 0, routes: [] })
    expect(server.json('/leafz')).toMatchObject({ leafnodes: 0, leafs: [] })
    expect(server.json('/gatewayz')).toMatchObject({ outbound_gateways: {}, inbound_gateways: {} })
  })
})

test('JSON is indented by two spaces, keeps long integers and leaves out what is undefined', () => {
  const text = writeIndentedJson({ a: [], b: {}, c: [1, { d: '<' }], e: 2n ** 63n, f: undefined, g: null })

  expect(text).toBe(`{
  "a": [],
  "b": {},
  "c": [
    1,
    {
      "d": "\\u003c"
    }
  ],
  "e": 9223372036854775808,
  "g": null
}`)
})
