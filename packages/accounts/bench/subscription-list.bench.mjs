/**
 * What does a subscription cost, to add, to find and to remove, when there are very many?
 *
 *     pnpm build && node --expose-gc packages/accounts/bench/subscription-list.bench.mjs [subscriptions]
 */
import { Subscription, SubscriptionList } from '@rivulet/accounts'

const count = Number(process.argv[2] ?? 1_000_000)
const sink = { deliver() {} }
const kinds = {
  'literal subjects': (i) => `orders.region-${i % 50}.item-${i}`,
  'a wildcard each': (i) => `_INBOX.client-${i}.*`,
}
for (const [name, subjectOf] of Object.entries(kinds)) {
  globalThis.gc?.()
  const before = process.memoryUsage()
  const list = new SubscriptionList(12345)
  const all = Array.from({ length: count }, (_, i) => new Subscription({ subject: subjectOf(i), sid: String(i), sink }))
  console.log(`${name}, ${count}`)
  measure('  add', count, () => all.forEach((subscription) => list.insert(subscription)))
  globalThis.gc?.()
  const after = process.memoryUsage()
  const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  console.log(`  memory, with the subscriptions themselves: ${(bytes / count).toFixed(0)} bytes each`)

  const published = Array.from({ length: 100_000 }, (_, i) => Buffer.from(subjectOf((i * 7919) % count).replace('*', String(i))))
  const routeAll = () => published.forEach((subject) => list.routeOf(subject, 0, subject.length))
  measure('  route, first time', published.length, routeAll)
  measure('  route, again', published.length, routeAll)
  const change = new Subscription({ subject: 'unrelated', sink })
  measure('  route, with a change before each', published.length, () => {
    published.forEach((subject, i) => {
      if (i % 2 === 0) list.insert(change)
      else list.remove(change)
      list.routeOf(subject, 0, subject.length)
    })
  })
  measure('  unique subjects under a >', published.length, () => {
    const everything = new Subscription({ subject: 'unique.>', sink })
    list.insert(everything)
    for (let i = 0; i < published.length; i++) {
      const subject = Buffer.from(`unique.${i}.a`)
      list.routeOf(subject, 0, subject.length)
    }
    list.remove(everything)
  })
  measure('  remove', count, () => all.forEach((subscription) => list.remove(subscription)))
}

function measure(name, operations, body) {
  const start = process.cpuUsage()
  body()
  const { user, system } = process.cpuUsage(start)
  console.log(`${name}: ${(((user + system) * 1e3) / operations).toFixed(0)} ns`)
}
