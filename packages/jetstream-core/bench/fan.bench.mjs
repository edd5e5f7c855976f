/**
 * What does a publish cost a stream with many consumers that each want one subject? Every consumer has a pull request
 * waiting; each message is for one of them.
 *
 *     npx tsc -b packages/memstore packages/jetstream-core && node packages/jetstream-core/bench/fan.bench.mjs
 */
import { ManualTurns, messageOf, seededRandom, silentLogger, SystemClock } from '@rivulet/store-types'
import { Account, internalPublisher, Subscription } from '@rivulet/accounts'
import { memoryStorage } from '@rivulet/memstore'
import { JetStream } from '../dist/index.js'

const MESSAGES = 20_000

for (const [consumers, perTurn] of [[1, 1], [100, 1], [1000, 1], [1000, 100]]) {
  const clock = new SystemClock()
  const turns = new ManualTurns()
  const random = seededRandom(1)
  const account = new Account('$G', random)
  const engine = new JetStream({
    clock,
    turns,
    random,
    logger: silentLogger,
    serverName: 'S',
    serverId: 'I',
    version: '2.15.2',
    strict: true,
    limits: { maxMemory: 2 ** 40, maxStorage: 2 ** 40, defaultMaxConsumers: -1 },
    storage: () => memoryStorage({ clock, turns, logger: silentLogger }),
  })
  const jetStream = await engine.enableAccount(account)
  const config = { name: 'S', subjects: ['s.>'], storage: 'memory' }
  const { stream } = await jetStream.createStream(config, { pedantic: false })
  let received = 0
  account.subscriptions.insert(new Subscription({ subject: '_INBOX.x', sink: { deliver: () => void received++ } }))
  const request = messageOf({ subject: 'n', reply: '_INBOX.x', payload: '{"batch":1000000}' })
  for (let i = 0; i < consumers; i++) {
    const config = { durableName: `c${i}`, ackPolicy: 'none', filterSubject: `s.${i}` }
    const consumer = await stream.createConsumer(config, { action: '', pedantic: false })
    consumer.requestNext(request, internalPublisher)
  }
  turns.run()
  const start = process.cpuUsage()
  for (let i = 0; i < MESSAGES; i++) {
    account.publish(messageOf({ subject: `s.${i % consumers}`, payload: 'x' }), internalPublisher)
    if (i % perTurn === 0) turns.run()
  }
  turns.run()
  const { user, system } = process.cpuUsage(start)
  const us = (user + system) / MESSAGES
  console.log(`${consumers} consumers, ${perTurn} messages a turn: ${us.toFixed(1)} us of CPU a message`)
  if (received !== MESSAGES) throw new Error(`${received} of ${MESSAGES} messages arrived`)
}
process.exit(0)
