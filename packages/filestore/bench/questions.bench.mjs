/**
 * Does a question cost more when there are more messages that it skips? Each is asked in streams of 10^4, 10^5, 10^6
 * (and 10^7) messages on 1000 subjects; the last column is the growth from the smallest to the largest. A question
 * about one subject among them all skips everything else.
 *
 *     node packages/filestore/bench/questions.bench.mjs [largest power of ten: 6]
 */
import { StoredMessage, SubjectFilter, messageOf } from '@rivulet/store-types'
import { countName, fill, messagesOf, micros, numbers, onStage, table, times } from './harness.mjs'

const [largestPower] = numbers(6)
const SUBJECTS = 1000
const RARE = 'rare.one'
const ROUNDS = 12
const ROUND_MS = 2

/** [what, the question], asked in a stream with the rare subject at its first and its middle message. */
function questionsOf(store, count) {
  const message = new StoredMessage()
  const filters = {
    all: SubjectFilter.all,
    one: SubjectFilter.of('orders.region-7.item-7'),
    rare: SubjectFilter.of(RARE),
    many: SubjectFilter.of(...Array.from({ length: 100 }, (_, i) => `orders.region-${i % 50}.item-${i}`)),
    star: SubjectFilter.of('orders.region-7.*'),
    middleStar: SubjectFilter.of('orders.*.item-7'),
    full: SubjectFilter.of('orders.>'),
    none: SubjectFilter.of('orders.region-7.none'),
  }
  const rare = Buffer.from(RARE)
  const middle = Math.floor(count / 2)
  store.load(middle, message)
  const { seconds, nanoseconds } = message
  const list = []
  const add = (what, question) => list.push({ what, question })
  add('load', () => store.load(middle, message))
  add('last of the stream', () => store.loadLast(filters.all, message))
  add('last for a subject, at the end', () => store.loadLast(filters.one, message))
  add('last for a subject, far back', () => store.loadLast(filters.rare, message))
  add('last for orders.region-7.*', () => store.loadLast(filters.star, message))
  add('last sequence of a subject', () => store.lastSequenceOf(rare, 0, rare.length))
  for (const key of ['one', 'many', 'star', 'middleStar', 'full']) {
    add(`next, ${key}`, () => store.loadNext(filters[key], middle - 500, message))
  }
  add('next, rare, over half the stream', () => store.loadNext(filters.rare, 2, message))
  add('next, rare, none left', () => store.loadNext(filters.rare, middle + 1, message))
  add('next, no such subject', () => store.loadNext(filters.none, 1, message))
  add('previous, one', () => store.loadPrevious(filters.one, middle, message))
  add('previous, rare, over half the stream', () => store.loadPrevious(filters.rare, count, message))
  add('previous, rare, none before', () => store.loadPrevious(filters.rare, 1, message))
  add('by time', () => store.sequenceAtTime(seconds, nanoseconds))
  for (const key of ['all', 'one', 'rare', 'many', 'star', 'full']) {
    add(`countPending from the middle, ${key}`, () => store.countPending(filters[key], middle, false))
  }
  for (const key of ['one', 'star', 'full']) {
    add(`countPending, last per subject, ${key}`, () => store.countPending(filters[key], middle, true))
  }
  for (const key of ['one', 'star', 'full']) {
    add(`filtered state from 1, ${key}`, () => store.filteredState(filters[key], 1))
    add(`filtered state from the middle, ${key}`, () => store.filteredState(filters[key], middle))
  }
  add('subject totals, star', () => store.subjectTotals(filters.star))
  add('subject totals, all', () => store.subjectTotals(filters.all))
  add('subject states, star', () => store.subjectStates(filters.star))
  add('subject states, all', () => store.subjectStates(filters.all))
  add('last sequences, star', () => store.lastSequences(filters.star, 0, 0))
  add('last sequences up to the middle, star', () => store.lastSequences(filters.star, middle, 0))
  add('state', () => store.state(false))
  return list
}

async function ask({ create }, count) {
  const store = await create(`Q${count}`)
  const messages = messagesOf(SUBJECTS, 16)
  const rare = messageOf({ subject: RARE, payload: 'x' })
  store.append(rare, 0)
  await fill(store, messages, Math.floor(count / 2) - 2)
  store.append(rare, 0)
  await fill(store, messages, Math.ceil(count / 2))
  const asked = questionsOf(store, count).map(({ what, question }) => ({ what, ms: timeEach(question) }))
  store.purgeMatching({ filter: SubjectFilter.of('orders.>'), below: 0, keep: 0 })
  await store.flush()
  asked.push(...hollowQuestionsOf(store, count).map(({ what, question }) => ({ what, ms: timeEach(question) })))
  await store.delete()
  return asked
}

/** Of a stream in which two messages are left, the first and the middle one. */
function hollowQuestionsOf(store, count) {
  const message = new StoredMessage()
  const middle = Math.floor(count / 2)
  return [
    { what: 'next, over half the stream that is gone', question: () => store.loadNext(SubjectFilter.all, 2, message) },
    { what: 'previous, over half the stream that is gone', question: () => store.loadPrevious(SubjectFilter.all, middle - 1, message) },
    { what: 'encoded state, all but two gone', question: () => store.encodedState(0, false) },
  ]
}

/** Milliseconds of one call: the best of some rounds of 2 ms, which a busy machine disturbs least. */
function timeEach(question) {
  for (let i = 0; i < 5; i++) question()
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    let calls = 0
    let ms = 0
    do {
      question()
      calls++
      ms = performance.now() - start
    } while (ms < ROUND_MS)
    best = Math.min(best, ms / calls)
  }
  return best
}

await onStage({}, async (stage) => {
  const counts = []
  for (let power = 4; power <= largestPower; power++) counts.push(10 ** power)
  const columns = []
  for (const count of counts) columns.push(await ask(stage, count))
  const rows = columns[0].map(({ what }, i) => {
    const figures = columns.map((column) => column[i].ms)
    return [what, ...figures.map(micros), times(figures.at(-1) / figures[0])]
  })
  table('Questions, us each', ['question', ...counts.map((count) => `${countName(count)}`), 'growth'], rows)
})
