import { describe, expect, test } from 'vitest'
import { readTranscript, TranscriptPlayer } from '../support/transcript.js'

const TOPICS = ['connect', 'headers', 'malformed', 'pubsub', 'split', 'subjects']

for (const topic of TOPICS) {
  describe(`protocol-${topic}`, () => {
    test.each(readTranscript(`protocol-${topic}`))('$name answers as nats-server does', ({ steps }) => {
      const player = new TranscriptPlayer()
      for (const step of steps) {
        const played = player.play(step)
        if (played) expect(played.answered, played.step).toEqual(played.expected)
      }
    })
  })
}
