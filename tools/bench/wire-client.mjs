/**
 * A NATS client reduced to what a load generator needs: pre-built frames out, lines or bytes counted in.
 * It must cost far less than the servers it measures.
 */
import net from 'node:net'

const CRLF = Buffer.from('\r\n')

export class WireClient {
  static async connect(port, options = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    const client = new WireClient(socket)
    await client.#readLine((line) => line.startsWith('INFO'))
    socket.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, no_responders: true, lang: 'bench', version: '0', protocol: 1, ...options })}\r\nPING\r\n`)
    await client.#readLine((line) => line.startsWith('PONG'))
    return client
  }

  #pending = Buffer.alloc(0)
  onData = undefined

  constructor(socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.onData?.(chunk))
  }

  #readLine(matches) {
    return new Promise((resolve, reject) => {
      this.socket.once('error', reject)
      this.onData = (chunk) => {
        this.#pending = Buffer.concat([this.#pending, chunk])
        for (;;) {
          const end = this.#pending.indexOf(CRLF)
          if (end < 0) return
          const line = this.#pending.subarray(0, end).toString('latin1')
          this.#pending = this.#pending.subarray(end + 2)
          if (line.startsWith('-ERR')) reject(new Error(line))
          if (matches(line)) {
            this.onData = undefined
            resolve(line)
            return
          }
        }
      }
    })
  }

  /** Resolves when the server answered everything sent so far. */
  async flush() {
    this.socket.write('PING\r\n')
    await this.#readLine((line) => line === 'PONG')
  }

  write(bytes) {
    return this.socket.write(bytes)
  }

  drained() {
    return new Promise((resolve) => this.socket.once('drain', resolve))
  }

  /** One request, its reply's payload as text. For set-up, not for measuring. */
  async request(subject, body = '') {
    const inbox = `_INBOX.setup.${process.hrtime.bigint()}`
    const size = Buffer.byteLength(body)
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0)
      this.onData = (chunk) => {
        received = Buffer.concat([received, chunk])
        const head = received.indexOf(`MSG ${inbox}`)
        if (head < 0) return
        const end = received.indexOf(CRLF, head)
        if (end < 0) return
        const words = received.subarray(head, end).toString().split(' ')
        const length = Number(words.at(-1))
        if (received.length < end + 4 + length) return
        this.onData = undefined
        resolve(received.subarray(end + 2, end + 2 + length).toString())
      }
      this.socket.write(`SUB ${inbox} s\r\nUNSUB s 1\r\nPUB ${subject} ${inbox} ${size}\r\n${body}\r\n`)
      setTimeout(() => reject(new Error(`no reply to ${subject}`)), 10_000).unref()
    })
  }

  close() {
    this.socket.destroy()
  }
}

/** A PUB frame. */
export function pubFrame(subject, reply, payload) {
  return Buffer.concat([Buffer.from(`PUB ${subject}${reply ? ` ${reply}` : ''} ${payload.length}\r\n`), payload, CRLF])
}

/** Counts complete messages in a stream of equal-sized frames by bytes, without looking at them. */
export function countByBytes(frameBytes, onCount) {
  let bytes = 0
  let count = 0
  return (chunk) => {
    bytes += chunk.length
    const now = Math.floor(bytes / frameBytes)
    if (now > count) onCount(now - count, now)
    count = now
  }
}
