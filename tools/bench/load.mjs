/**
 * One measurement against one running server, in a process of its own: `node load.mjs '{"scenario": ...}'`.
 * Prints one line of JSON.
 */
import { WireClient, countByBytes, pubFrame } from './wire-client.mjs'

const task = JSON.parse(process.argv[2])
const { port } = task
const seconds = () => Number(process.hrtime.bigint()) / 1e9

function payloadOf(size) {
  return Buffer.alloc(size, 'x')
}

/** Writes `count` frames in chunks, honouring the socket's back-pressure. */
async function pour(client, frame, count, chunkFrames) {
  const chunk = Buffer.concat(Array.from({ length: chunkFrames }, () => frame))
  for (let sent = 0; sent < count; sent += chunkFrames) {
    if (!client.write(chunk)) await client.drained()
  }
}

const scenarios = {
  /** 1 publisher, `subscribers` subscribers: deliveries per second. */
  async core({ size, subscribers, count }) {
    const subs = await Promise.all(Array.from({ length: subscribers }, () => WireClient.connect(port)))
    const publisher = await WireClient.connect(port)
    const subject = 'bench.core'
    const chunkFrames = Math.max(1, Math.floor(65536 / (size + 40)))
    const total = Math.ceil(count / chunkFrames) * chunkFrames
    const frameBytes = `MSG ${subject} 1 ${size}\r\n`.length + size + 2
    for (const sub of subs) {
      sub.write(`SUB ${subject} 1\r\n`)
      await sub.flush()
    }
    const warm = chunkFrames * 20
    const round = async (messages) => {
      const done = subs.map(
        (sub) => new Promise((resolve) => (sub.onData = countByBytes(frameBytes, (_, now) => now >= messages && resolve()))),
      )
      const start = seconds()
      await pour(publisher, pubFrame(subject, '', payloadOf(size)), messages, chunkFrames)
      await Promise.all(done)
      return seconds() - start
    }
    await round(warm)
    const elapsed = await round(total)
    return { rate: (total * subscribers) / elapsed }
  },

  /** One requester, one responder, a new inbox for every request. */
  async request({ count, size }) {
    const responder = await WireClient.connect(port)
    const requester = await WireClient.connect(port)
    const payload = payloadOf(size)
    responder.write('SUB bench.service 1\r\n')
    await responder.flush()
    let pending = ''
    responder.onData = (chunk) => {
      pending += chunk.toString('latin1')
      for (;;) {
        const end = pending.indexOf('\r\n')
        if (end < 0) return
        const words = pending.slice(0, end).split(' ')
        if (words[0] !== 'MSG') {
          // The server looks whether we live.
          if (words[0] === 'PING') responder.write('PONG\r\n')
          pending = pending.slice(end + 2)
          continue
        }
        const bytes = Number(words.at(-1))
        if (pending.length < end + 4 + bytes) return
        pending = pending.slice(end + 4 + bytes)
        responder.write(pubFrame(words[3], '', payload))
      }
    }
    const prefix = `_INBOX.bench${process.pid}`
    requester.write(`SUB ${prefix}.* 1\r\n`)
    await requester.flush()
    const times = new Float64Array(count)
    const warm = Math.min(5000, count)
    const start = { at: 0 }
    await new Promise((resolve) => {
      let sent = 0
      let sentAt = 0
      let seen = ''
      const next = () => {
        sentAt = seconds()
        requester.write(pubFrame('bench.service', `${prefix}.${sent.toString(36)}`, payload))
        sent++
      }
      requester.onData = (chunk) => {
        seen += chunk.toString('latin1')
        if (seen.startsWith('PING\r\n')) {
          requester.write('PONG\r\n')
          seen = seen.slice(6)
        }
        const end = seen.indexOf('\r\n')
        if (end < 0 || seen.length < end + 4 + size) return
        seen = ''
        if (sent > warm) times[sent - warm - 1] = seconds() - sentAt
        if (sent === warm) start.at = seconds()
        if (sent - warm >= count) resolve()
        else next()
      }
      next()
    })
    const rate = count / (seconds() - start.at)
    times.sort()
    return { rate, p50: times[Math.floor(count / 2)] * 1e6, p99: times[Math.floor(count * 0.99)] * 1e6 }
  },

  /** Publishes with acknowledgement, `window` in flight, each with a reply subject of its own. */
  async publish({ size, window, count, stream }) {
    const client = await WireClient.connect(port)
    await client.request(`$JS.API.STREAM.CREATE.${stream}`, JSON.stringify({ name: stream, subjects: [`${stream}.>`], storage: 'file' }))
    const prefix = `_INBOX.bench${process.pid}`
    client.write(`SUB ${prefix}.* 1\r\n`)
    await client.flush()
    const payload = payloadOf(size)
    const latencies = new Float64Array(count)
    const sentAt = new Float64Array(count)
    let sent = 0
    let acked = 0
    const send = (room) => {
      const parts = []
      const now = seconds()
      for (; room > 0 && sent < count; room--) {
        parts.push(`PUB ${stream}.a ${prefix}.${sent.toString(36)} ${size}\r\n`, payload.latin1Slice(), '\r\n')
        sentAt[sent] = now
        sent++
      }
      if (parts.length > 0) client.write(Buffer.from(parts.join(''), 'latin1'))
    }
    const start = seconds()
    await new Promise((resolve, reject) => {
      let rest = 0
      client.onData = (chunk) => {
        // Acknowledgements are counted by their opening brace; errors stop the run.
        let fresh = 0
        for (let at = chunk.indexOf(0x7b); at >= 0; at = chunk.indexOf(0x7b, at + 1)) fresh++
        if (rest === 0 && chunk.includes('"error"')) reject(new Error(chunk.toString()))
        const now = seconds()
        for (let i = 0; i < fresh; i++) latencies[acked + i] = now - sentAt[acked + i]
        acked += fresh
        rest = 0
        if (acked >= count) resolve()
        else send(fresh)
      }
      send(window)
    })
    const elapsed = seconds() - start
    latencies.sort()
    return { rate: count / elapsed, p50: latencies[Math.floor(count / 2)] * 1e6, p99: latencies[Math.floor(count * 0.99)] * 1e6 }
  },

  /** Pulls `count` messages of a filled stream in batches. */
  async consume({ batch, count, stream, ack }) {
    const client = await WireClient.connect(port)
    const durable = `c${process.pid}`
    const reply = await client.request(
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${durable}`,
      JSON.stringify({ stream_name: stream, config: { durable_name: durable, ack_policy: ack, deliver_policy: 'all', max_ack_pending: ack === 'none' ? 0 : 10000 } }),
    )
    if (reply.includes('"error"')) throw new Error(reply)
    const inbox = `_INBOX.pull${process.pid}`
    client.write(`SUB ${inbox} 1\r\n`)
    await client.flush()
    const pull = Buffer.from(JSON.stringify({ batch, expires: 30_000_000_000 }))
    const next = () => client.write(pubFrame(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, inbox, pull))
    const start = seconds()
    let received = 0
    await new Promise((resolve) => {
      let pending = Buffer.alloc(0)
      let inBatch = 0
      client.onData = (chunk) => {
        let bytes = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
        let at = 0
        const acks = []
        for (;;) {
          const end = bytes.indexOf('\r\n', at)
          if (end < 0) break
          const line = bytes.latin1Slice(at, end)
          const words = line.split(' ')
          if (words[0] === 'PING') {
            client.write('PONG\r\n')
            at = end + 2
            continue
          }
          if (words[0] !== 'MSG') break
          const size = Number(words[4])
          if (bytes.length < end + 4 + size) break
          if (ack !== 'none') acks.push(`PUB ${words[3]} 0\r\n\r\n`)
          at = end + 4 + size
          received++
          inBatch++
        }
        pending = Buffer.from(bytes.subarray(at))
        if (acks.length > 0) client.write(Buffer.from(acks.join(''), 'latin1'))
        if (received >= count) resolve()
        else if (inBatch >= batch) {
          inBatch -= batch
          next()
        }
      }
      next()
    })
    return { rate: received / (seconds() - start) }
  },

  /** Fills a stream, `subjects` distinct subjects; for the memory and recovery figures. */
  async fill({ size, count, stream, subjects }) {
    const client = await WireClient.connect(port)
    await client.request(`$JS.API.STREAM.CREATE.${stream}`, JSON.stringify({ name: stream, subjects: [`${stream}.>`], storage: 'file' }))
    const payload = payloadOf(size).latin1Slice()
    const prefix = `_INBOX.bench${process.pid}`
    client.write(`SUB ${prefix}.* 1\r\n`)
    await client.flush()
    const chunk = 500
    let acked = 0
    let wake = () => {}
    client.onData = (bytes) => {
      for (let at = bytes.indexOf(0x7b); at >= 0; at = bytes.indexOf(0x7b, at + 1)) acked++
      wake()
    }
    for (let sent = 0; sent < count; sent += chunk) {
      let text = ''
      for (let i = sent; i < sent + chunk; i++) text += `PUB ${stream}.s${i % subjects} ${prefix}.${i % 1000} ${size}\r\n${payload}\r\n`
      client.write(Buffer.from(text, 'latin1'))
      while (sent + chunk - acked > 4000) await new Promise((resolve) => (wake = resolve))
    }
    while (acked < count) await new Promise((resolve) => (wake = resolve))
    return { rate: 0 }
  },
}

const result = await scenarios[task.scenario](task)
console.log(JSON.stringify(result))
process.exit(0)
