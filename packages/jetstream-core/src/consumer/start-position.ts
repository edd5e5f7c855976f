/**
 * Where a new consumer starts (jetstream-api.md section 16.3): the stream sequence from which it reads, and for
 * last_per_subject the list of messages that come first.
 */
import {
  setFromNanos,
  StoredMessage,
  SubjectFilter,
  Timestamp,
  type ConsumerConfig,
  type StreamStore,
} from '@rivulet/store-types'

/** Messages that are delivered before the consumer reads on from `resume`. Ascending, consumed from `index` on. */
export type SkipList = { readonly sequences: readonly number[]; index: number; readonly resume: number }

export type StartPosition = Readonly<{ sequence: number; skipList: SkipList | undefined }>

/** `keepsOnePerSubject`: the stream holds at most one message per subject. */
export function startPosition(
  config: ConsumerConfig,
  filter: SubjectFilter,
  store: StreamStore,
  keepsOnePerSubject: boolean,
): StartPosition {
  const { firstSequence, lastSequence } = store
  const requested = config.startSequence ?? 0
  const skipList =
    config.deliverPolicy === 'last_per_subject' && !keepsOnePerSubject ? skipListOf(filter, store) : undefined
  let sequence = requested > 0 ? requested : wantedSequence(config, filter, store, skipList)
  if (firstSequence === 0 && requested === 0) sequence = 1
  else if (sequence > lastSequence && requested === 0) sequence = lastSequence + 1
  else if (sequence < firstSequence) sequence = firstSequence
  return { sequence, skipList }
}

function wantedSequence(
  config: ConsumerConfig,
  filter: SubjectFilter,
  store: StreamStore,
  skipList: SkipList | undefined,
): number {
  const { firstSequence, lastSequence } = store
  switch (config.deliverPolicy) {
    case 'all':
      return firstSequence
    case 'last':
      return filter.isAll ? lastSequence : store.loadLast(filter, new StoredMessage())
    case 'last_per_subject':
      return skipList ? (skipList.sequences[0] ?? lastSequence) : firstSequence
    case 'by_start_time':
      return sequenceAtStartTime(config.startTime ?? 0n, filter, store)
    case 'new':
    case 'by_start_sequence':
      return lastSequence + 1
  }
}

/**
 * The first message of that time. When no filter matches anything before it, the first match behind it: that
 * spares a walk. (One look at the index per filter; the reference tells clients the same sequence.)
 */
function sequenceAtStartTime(startTime: bigint, filter: SubjectFilter, store: StreamStore): number {
  const time = setFromNanos(new Timestamp(), startTime)
  const sequence = store.sequenceAtTime(time.seconds, time.nanoseconds)
  const last = store.lastSequence
  let nearest = last
  for (const subject of filter.subjects) {
    const first = store.filteredState(SubjectFilter.of(subject), Math.max(1, store.firstSequence)).firstSequence
    if (first >= sequence && first < nearest) nearest = first
  }
  return nearest > sequence && nearest < last ? nearest : sequence
}

function skipListOf(filter: SubjectFilter, store: StreamStore): SkipList {
  return { sequences: store.lastSequences(filter, 0, 0), index: 0, resume: store.lastSequence }
}
