/** Whatever the text is, reading it ends with values or with errors that have a place. */
import { describe, expect, test } from 'vitest'
import { readOptionsFile } from '../../src/index.js'
import { fileSystemOf } from '../file-system-of.js'

const SAMPLES = [
  `# a server
port: 4222; host = 127.0.0.1
server_name "a\\x41\\tb" // end
max_payload 64KB, max_pending: 128MiB
ping_interval: "1m30s"
lame_duck_duration: '45s'
server_tags: [ eu, "rack 7", # c
  b
]
N: 2k
authorization {
  timeout: 0.5
  users = [ {user: a, password: $2a$11$abcdefghijklmnopqrstuv}, { user: "b", password: $PW } ]
}
include "inc.conf"
jetstream { store_dir: "/tmp/x", max_mem: 1G, max_file: "10G", sync_interval: always, domain: hub }
server_metadata { a: "1" }
`,
  `{"port": 4222, "accounts": {"A": {"users": [{"user": "u", "permissions": {"publish": ["a.>", "b"],
 "subscribe": {"allow": "c q", "deny": []}, "allow_responses": {"max": 2, "expires": "1m"}}}],
 "exports": [{"service": "s", "response_type": "stream", "latency": {"sampling": 5, "subject": "l"}}],
 "imports": [{"stream": {"account": "B", "subject": "x"}, "to": "y"}], "jetstream": {"max_mem": 5}}},
 "leafnodes": {"remotes": [{"urls": ["nats://h:1"], "tls": {"cert_file": "c", "timeout": 2}}]},
 "mappings": {"a": [{"destination": "b", "weight": "50%"}]}, "text": "x", "when": 2024-01-01T00:00:00Z }
`,
  `resolver: MEMORY
resolver_preload { A: ( 
eyJ0
)
 }
websocket { port: 1, no_tls: true, headers { "X": "y" } }
cluster { name: c, listen: "[::1]:6222", routes: [ "nats://a:1", "nats://b:2" ] }
tls { cert_file: "a", pinned_certs: ["0123"], handshake_first: 300ms }
write_deadline: -5s
`,
]

const files = { '/c/inc.conf': 'max_connections: 5\nx: { y: $N }\n', '/c/server.conf': '' }
const environment = { PW: '"secret"', N: '5' }
const PLACE = /^\/c\/(server|inc)\.conf$/

/** Reads `text` as a file; returns how many errors there were, having checked each. */
function checkReading(text: string): number {
  const readFile = fileSystemOf({ ...files, '/c/server.conf': text })
  const { errors, deprecations } = readOptionsFile('/c/server.conf', { readFile, environment })
  for (const error of [...errors, ...deprecations]) {
    expect(error.message).not.toBe('')
    expect(error.place?.file).toMatch(PLACE)
    expect(error.place?.line).toBeGreaterThan(0)
    expect(error.place?.column).toBeGreaterThanOrEqual(0)
  }
  return errors.length
}

/** A small generator with a seed: mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

describe('any text is read to an end', () => {
  test.each(SAMPLES.map((text, index) => [index, text] as const))('every prefix of sample %i', (_, text) => {
    for (let end = 0; end <= text.length; end++) checkReading(text.slice(0, end))
  })

  test.each(SAMPLES.map((text, index) => [index, text] as const))('sample %i without any one character', (_, text) => {
    for (let at = 0; at < text.length; at++) checkReading(text.slice(0, at) + text.slice(at + 1))
  })

  test('3000 samples with characters changed', () => {
    const alphabet = '{}[]()"\'\\$#/=:;,.-+ \n\r\t\0a1ké\u2028\ud800'
    const random = randomOf(20_261_121)
    let wrong = 0
    for (let i = 0; i < 3000; i++) {
      let text = SAMPLES[random(SAMPLES.length)] as string
      for (let changes = 1 + random(4); changes > 0; changes--) {
        const at = random(text.length)
        text = text.slice(0, at) + alphabet.charAt(random(alphabet.length)) + text.slice(at + random(2))
      }
      if (checkReading(text) > 0) wrong++
    }
    expect(wrong).toBeGreaterThan(0)
  })

  test('3000 texts of random bytes', () => {
    const random = randomOf(7)
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(Array.from({ length: random(60) }, () => random(i % 2 === 0 ? 256 : 128)))
      checkReading(bytes.toString(i % 3 === 0 ? 'latin1' : 'utf8'))
    }
  })
})
