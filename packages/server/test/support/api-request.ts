/** Requests of the JetStream API as JSON, and the archive that a snapshot sends. */
import type { NatsConnection } from '@nats-io/nats-core'

export async function request(nc: NatsConnection, subject: string, body: object) {
  return JSON.parse((await nc.request(`$JS.API.${subject}`, JSON.stringify(body))).string())
}

/** Takes a snapshot of `stream`, every part acknowledged. */
export async function snapshot(nc: NatsConnection, stream: string): Promise<{ archive: Buffer; config: object; state: object }> {
  const parts: Buffer[] = []
  const isSent = new Promise<void>((resolve) => {
    nc.subscribe('to.here', {
      callback: (_, message) => {
        parts.push(Buffer.from(message.data))
        if (message.reply) message.respond()
        if (message.data.length === 0) resolve()
      },
    })
  })
  const { config, state } = await request(nc, `STREAM.SNAPSHOT.${stream}`, { deliver_subject: 'to.here' })
  await isSent
  return { archive: Buffer.concat(parts), config, state }
}
