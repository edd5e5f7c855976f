/** Rules of mirrors and sources (jetstream-api.md section 10.3), in the reference's order. */
import {
  collides,
  isLiteral,
  isSubset,
  isValidSubject,
  type StreamConfig,
  type StreamSource,
  type SubjectTransform,
} from '@rivulet/store-types'
import { apiError, type ApiErrorName } from '../../errors/api-error.js'
import type { Draft } from './stream-config-rules.js'
import { invalidConfig, isAssetName, pedanticError, quoted, type RuleContext } from './rule-context.js'
import { transformProblem } from './subject-rules.js'

const API_PREFIX = '$JS.API'

export function checkMirror(draft: Draft, context: RuleContext): void {
  const mirror = draft.mirror
  if (mirror === undefined) return
  checkMirrorCompany(draft)
  if (mirror.consumer !== undefined && !isConsumerBinding(mirror)) {
    throw apiError('JSMirrorDurableConsumerCfgInvalid')
  }
  if (hasFilter(mirror) && hasTransforms(mirror)) throw apiError('JSMirrorMultipleFiltersNotAllowed')
  if (draft.subjectDeleteMarkerTtl > 0n) throw invalidConfig('subject delete markers forbidden on mirrors')
  const transforms = mirror.subjectTransforms ?? []
  transforms.forEach((transform, index) => {
    checkTransform(transform, context, ['JSMirrorInvalidSubjectFilter', 'JSMirrorInvalidTransformDestination'])
    transforms.forEach((other, otherIndex) => {
      if (index !== otherIndex && collides(transform.source, other.source)) {
        throw apiError('JSMirrorOverlappingSubjectFilters')
      }
    })
  })
  if (mirror.external !== undefined) return
  if (!isAssetName(mirror.name)) throw apiError('JSMirrorInvalidStreamName')
  const origin = context.find(mirror.name)
  if (origin === undefined) return
  if (isMessageSizeSmaller(draft, origin)) throw apiError('JSMirrorMaxMessageSizeTooBigErr')
  if (context.pedantic && draft.mirrorDirect !== origin.allowDirect) {
    throw pedanticError('origin stream has direct get set, mirror has it disabled')
  }
  draft.mirrorDirect = origin.allowDirect
}

/** What a mirror can not be together with. */
function checkMirrorCompany(draft: Draft): void {
  if (draft.firstSequence > 0) throw apiError('JSMirrorWithFirstSeqErr')
  if (draft.subjects.length > 0) throw apiError('JSMirrorWithSubjectsErr')
  if ((draft.sources?.length ?? 0) > 0) throw apiError('JSMirrorWithSourcesErr')
  if (draft.allowMessageCounter) throw apiError('JSMirrorWithCountersErr')
  if (draft.allowAtomicPublish) throw apiError('JSMirrorWithAtomicPublishErr')
  if (draft.allowBatchPublish) throw apiError('JSMirrorWithBatchPublishErr')
  if (draft.allowMessageSchedules) throw apiError('JSMirrorWithMsgSchedulesErr')
}

export function checkSources(draft: Draft, context: RuleContext): void {
  const sources = draft.sources ?? []
  if (sources.length > 0 && draft.allowMessageSchedules) throw apiError('JSSourceWithMsgSchedulesErr')
  const seen = new Set<string>()
  const consumers = new Set<string>()
  for (const source of sources) {
    if (!isAssetName(source.name)) throw apiError('JSSourceInvalidStreamName')
    const key = sourceKey(source)
    if (seen.has(key)) throw apiError('JSSourceDuplicateDetected')
    seen.add(key)
    checkSource(source, draft, context)
    if (source.consumer !== undefined) {
      if (!isConsumerBinding(source)) throw apiError('JSSourceDurableConsumerCfgInvalid')
      const consumerKey = `${source.name}\n${source.external?.api ?? ''}\n${source.consumer.name ?? ''}`
      if (consumers.has(consumerKey)) throw apiError('JSSourceDurableConsumerDuplicateDetected')
      consumers.add(consumerKey)
    }
    if (source.external === undefined) {
      const origin = context.find(source.name)
      if (origin !== undefined && isMessageSizeSmaller(draft, origin)) {
        throw apiError('JSSourceMaxMessageSizeTooBigErr')
      }
    }
  }
  checkExternals(draft, context)
}

function checkSource(source: StreamSource, _draft: Draft, context: RuleContext): void {
  if (hasFilter(source) && hasTransforms(source)) throw apiError('JSSourceMultipleFiltersNotAllowed')
  const transforms = source.subjectTransforms ?? []
  for (const transform of transforms) {
    checkTransform(transform, context, ['JSSourceInvalidSubjectFilter', 'JSSourceInvalidTransformDestination'])
  }
  transforms.forEach((transform, index) => {
    transforms.forEach((other, otherIndex) => {
      if (index !== otherIndex && isSubset(transform.source, other.source)) {
        throw apiError('JSSourceOverlappingSubjectFilters')
      }
    })
  })
}

function checkTransform(
  transform: SubjectTransform,
  context: RuleContext,
  names: readonly [ApiErrorName, ApiErrorName],
): void {
  if (transform.source !== '' && !isValidSubject(transform.source)) {
    throw apiError(names[0], { err: `invalid subject ${transform.source}` })
  }
  const problem = transformProblem(transform, context.random)
  if (problem !== undefined) throw apiError(names[1], { err: problem })
}

/** Prefixes of streams elsewhere: deliver prefixes, then API prefixes. */
function checkExternals(draft: Draft, context: RuleContext): void {
  const all = [...(draft.mirror === undefined ? [] : [draft.mirror]), ...(draft.sources ?? [])]
  const local = all.filter((source) => source.external === undefined)
  const subjects = local.flatMap((source) => context.find(source.name)?.subjects ?? [])
  const externals = all.flatMap((source) => (source.external === undefined ? [] : [source.external]))
  for (const { deliver } of externals) {
    if (deliver === '') continue
    if (!isPublishSubject(deliver)) throw apiError('JSStreamInvalidExternalDeliverySubjErrF', { prefix: deliver })
    for (const subject of subjects) {
      if (collides(subject, `${deliver}.${subject}`)) {
        throw apiError('JSStreamExternalDelPrefixOverlapsErrF', { prefix: deliver, subject })
      }
    }
  }
  for (const { api } of externals) {
    if (api === '') continue
    if (!isPublishSubject(api)) {
      throw invalidConfig(`stream external api prefix ${quoted(api)} must be a valid subject without wildcards`)
    }
    if (collides(api, API_PREFIX)) {
      throw apiError('JSStreamExternalApiOverlapErrF', { prefix: api, subject: API_PREFIX })
    }
  }
}

/** Streams that feed each other in a ring, over any number of local streams. */
export function checkCycles(draft: Draft, context: RuleContext): void {
  const queue: StreamConfig[] = [draft]
  const visited = new Set<string>()
  for (let config = queue.shift(); config !== undefined; config = queue.shift()) {
    visited.add(config.name)
    for (const source of config.sources ?? []) {
      if (source.external !== undefined) continue
      if (visited.has(source.name)) {
        if (overlaps(config.subjects, source.filterSubject ?? '')) throw invalidConfig('detected cycle')
        continue
      }
      const origin = context.find(source.name)
      if (origin !== undefined) queue.push(origin)
    }
    const mirror = config.mirror
    if (mirror === undefined || mirror.external !== undefined) continue
    if (visited.has(mirror.name)) throw invalidConfig('detected cycle')
    const origin = context.find(mirror.name)
    if (origin !== undefined) queue.push(origin)
  }
}

/**
 * Filters that are checked only when the stream is made (jetstream-api.md section 5.1, row 12).
 * Plain texts: the API wraps them.
 */
export function checkSourceFilters(config: StreamConfig): void {
  const check = (source: StreamSource, text: (filter: string) => string): void => {
    const filter = source.filterSubject ?? ''
    if (!hasTransforms(source) && filter !== '' && !isValidSubject(filter)) {
      throw apiError('JSStreamCreateErrF', { err: text(filter) })
    }
  }
  if (config.mirror) check(config.mirror, (filter) => `subject filter '${filter}' for the mirror invalid subject`)
  for (const source of config.sources ?? []) {
    check(source, (filter) => `subject filter '${filter}' for the source: invalid subject`)
  }
}

function overlaps(subjects: readonly string[], filter: string): boolean {
  return filter === '' || subjects.some((subject) => collides(subject, filter))
}

function isMessageSizeSmaller(draft: Draft, origin: StreamConfig): boolean {
  return draft.maxMessageSize > 0 && origin.maxMessageSize > 0 && draft.maxMessageSize < origin.maxMessageSize
}

function isPublishSubject(subject: string): boolean {
  return isValidSubject(subject) && isLiteral(subject)
}

function hasFilter(source: StreamSource): boolean {
  return (source.filterSubject ?? '') !== ''
}

function hasTransforms(source: StreamSource): boolean {
  return (source.subjectTransforms?.length ?? 0) > 0
}

/** A consumer that exists already: named, with a literal deliver subject, and nothing that is for new ones only. */
function isConsumerBinding(source: StreamSource): boolean {
  if (!isAssetName(source.consumer?.name ?? '')) return false
  if (!isPublishSubject(source.consumer?.deliverSubject ?? '')) return false
  return (source.startSequence ?? 0) === 0 && source.startTime === undefined && !hasFilter(source)
}

/** Equal for sources that would copy the same messages to the same subjects. */
function sourceKey(source: StreamSource): string {
  const parts = [source.name, source.external?.api ?? '', source.consumer?.name ?? '']
  const pairs = hasTransforms(source)
    ? (source.subjectTransforms ?? []).map((pair) => `${pair.source || '>'}\f${pair.destination || '>'}`)
    : [`${source.filterSubject || '>'}\f>`]
  return [...parts, ...pairs].join('\n')
}
