/**
 * Plays transcripts of the protocol (test/transcripts) against connections in memory. Each answer is
 * what nats-server 2.15.2 said. Steps that need an HTTP port or a configuration are passed over; they
 * are played against the whole server elsewhere.
 */
import { readFileSync } from 'node:fs'
import { TestHost, type TestClient } from './test-host.js'

export type TranscriptStep = Readonly<{ text: string; answers: readonly string[] }>
export type TranscriptCase = Readonly<{ name: string; steps: readonly TranscriptStep[] }>

/** The cases of a file that need nothing but connections. */
export function readTranscript(name: string): TranscriptCase[] {
  const text = readFileSync(new URL(`../transcripts/${name}.txt`, import.meta.url), 'utf8')
  const cases: { name: string; steps: { text: string; answers: string[] }[] }[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ') || line.startsWith('| ')) continue
    if (line.startsWith('=== ')) cases.push({ name: line.slice(4), steps: [] })
    else if (/^(=|[A-Z]<)( |$)/.test(line)) cases.at(-1)?.steps.at(-1)?.answers.push(line)
    else cases.at(-1)?.steps.push({ text: line, answers: [] })
  }
  return cases.filter((one) => !one.steps.some((step) => step.text === 'conf'))
}

/** Played steps with what was expected and what came, as text; equal when all is well. */
export type PlayedStep = Readonly<{ step: string; expected: string[]; answered: string[] }>

export class TranscriptPlayer {
  readonly #host = new TestHost()
  readonly #clients = new Map<string, { client: TestClient; view: ClientView }>()

  play({ text, answers }: TranscriptStep): PlayedStep | undefined {
    if (/^(http|varz|until|start|wait)\b/.test(text)) return undefined
    if (text.startsWith('split ')) return played(text, answers, this.#split(unescape(text.slice(6))))
    if (text.startsWith('burst ')) return this.#burst(text, answers)
    this.#act(text)
    const answered = this.#answers()
    if (!text.includes('>~')) return played(text, answers, answered)
    return played(text, [...answers].sort(), answered.sort())
  }

  #act(text: string): void {
    const [verb, name] = text.split(' ') as [string, string]
    if (verb === 'open') {
      const client = this.#host.client()
      this.#clients.set(name, { client, view: new ClientView(client) })
      return
    }
    if (verb === 'close') {
      this.#client(name).connection.transportEnded()
      this.#clients.delete(name)
      return
    }
    const match = /^([A-Z])>([.>~]?) /.exec(text)
    if (match === null) throw new Error(`a step that is not known: ${text}`)
    const [start, to, how] = match as unknown as [string, string, string]
    const raw = unescape(text.slice(start.length))
    const ending = how === '>' ? '' : how === '.' ? '\r\nPING\r\n' : '\r\n'
    this.#client(to).send(Buffer.concat([raw, Buffer.from(ending)]))
  }

  #client(name: string): TestClient {
    const known = this.#clients.get(name)
    if (known === undefined) throw new Error(`no connection ${name}`)
    return known.client
  }

  #answers(): string[] {
    const lines: string[] = []
    for (const [name, { view }] of [...this.#clients].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const line of view.take()) lines.push(`${name}< ${line}`)
    }
    return lines
  }

  #split(bytes: Buffer): string[] {
    const whole = Buffer.concat([bytes, Buffer.from('\r\n')])
    const results = new Map<string, number>()
    for (let cut = 0; cut < whole.length; cut++) {
      const client = new TestHost().client()
      const view = new ClientView(client)
      client.send(whole.subarray(0, cut)).send(whole.subarray(cut))
      const result = view.take().join('\n')
      results.set(result, (results.get(result) ?? 0) + 1)
    }
    const [result] = results.keys()
    const verdict = results.size === 1 ? `all ${whole.length - 1} splits give the same` : `${results.size} results`
    return [...(result as string).split('\n'), verdict].map((line) => `= ${line}`)
  }

  #burst(text: string, answers: readonly string[]): PlayedStep {
    const match = /^burst (\w) (\d+) (?:[A-Z]\/\S+ )?(.*)$/.exec(text) as unknown as [string, string, string, string]
    const line = Buffer.concat([unescape(match[3]), Buffer.from('\r\n')])
    for (let i = 0; i < Number(match[2]); i++) this.#client(match[1]).send(line)
    const counts = new Map<string, number>()
    let total = 0
    for (const answer of this.#answers()) {
      const [name, , subject, sid] = answer.split(' ') as [string, string, string, string]
      const key = `${name.slice(0, 1)}/${sid}/${subject}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
      total++
    }
    const found = [...counts].sort().map(([key, count]) => `= ${key} ${count}`)
    const expected = answers.map((answer, i) => settleRange(answer, found[i - 1]))
    return { step: text, expected, answered: [`= total ${total}`, ...found] }
  }
}

/** What a client sees, in the transcripts' words. */
class ClientView {
  readonly #client: TestClient
  #wasGone = false
  #isFirst = true
  #info: Record<string, unknown> = {}

  constructor(client: TestClient) {
    this.#client = client
  }

  take(): string[] {
    this.#client.host.turns.run()
    const bytes = Buffer.from(this.#client.greeting + this.#client.transport.received, 'latin1')
    this.#client.greeting = ''
    this.#client.transport.received = ''
    const lines: string[] = []
    let at = 0
    while (at < bytes.length) {
      const end = bytes.indexOf('\r\n', at)
      const line = bytes.toString('utf8', at, end)
      at = end + 2
      const size = /^H?MSG /.test(line) ? Number(line.split(' ').at(-1)) : -1
      if (size >= 0) {
        lines.push(masked(`${escape(Buffer.from(line))} "${escape(bytes.subarray(at, at + size))}"`))
        at += size + 2
      } else if (line.startsWith('INFO ')) lines.push(this.#infoLine(JSON.parse(line.slice(5))))
      else lines.push(masked(escape(Buffer.from(line))))
    }
    if (this.#client.isGone && !this.#wasGone) lines.push('(closed)')
    this.#wasGone = this.#client.isGone
    return lines
  }

  #infoLine(info: Record<string, unknown>): string {
    const before = this.#info
    this.#info = info
    if (this.#isFirst) {
      this.#isFirst = false
      return 'INFO'
    }
    const changed = Object.entries(info).filter(([name, value]) => before[name] !== value)
    return `INFO changed ${JSON.stringify(Object.fromEntries(changed.sort()))}`
  }
}

function played(step: string, expected: readonly string[], answered: readonly string[]): PlayedStep {
  // A greeting that the transcript shows in full is only there or not there here.
  const shown = expected.map((line) => line.replace(/^(\w< INFO) \{.*$/, '$1'))
  return { step, expected: shown, answered: [...answered] }
}

/** `between 20 and 80` becomes the count that was found when it lies there. */
function settleRange(answer: string, found: string | undefined): string {
  const range = /^(= \S+) between (\d+) and (\d+)$/.exec(answer)
  if (range === null || found === undefined) return answer
  const count = Number(found.split(' ').at(-1))
  return count >= Number(range[2]) && count <= Number(range[3]) ? `${range[1]} ${count}` : answer
}

function masked(line: string): string {
  return line.replace(/_R_\.[^"\s]*/g, '_R_.<x>')
}

/** Transcript text to bytes: \r \n \t \0 \\ \xNN, and @rep:x:N@. */
function unescape(text: string): Buffer {
  const filled = text.replace(/@rep:(.*?):(\d+)@/g, (_, what: string, count: string) => what.repeat(Number(count)))
  const parts: Buffer[] = []
  const pattern = /\\x([0-9a-f]{2})|\\(.)|[^\\]+/gis
  const named: Record<string, string> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }
  for (const [all, hex, letter] of filled.matchAll(pattern)) {
    if (hex !== undefined) parts.push(Buffer.from(hex, 'hex'))
    else parts.push(Buffer.from(letter === undefined ? all : (named[letter] ?? all)))
  }
  return Buffer.concat(parts)
}

function escape(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  const isText = Buffer.from(text).equals(bytes)
  const named: Record<string, string> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', '\t': '\\t' }
  const escaped = [...(isText ? text : bytes.latin1Slice())].map((character) => {
    const code = character.codePointAt(0) as number
    const isShown = code >= 32 && code !== 127 && (isText || code < 127)
    return named[character] ?? (isShown ? character : `\\x${code.toString(16).padStart(2, '0')}`)
  })
  return escaped.join('').replace(/(.)\1{63,}/gu, (all, character: string) => `${character}{${[...all].length}}`)
}
