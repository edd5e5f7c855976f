/** STREAM.NAMES, LIST and INFO (jetstream-api.md sections 5.3 and 5.4). */
import { SubjectFilter, textOf, wireOf } from '@rivulet/store-types'
import type { JetStreamAccount } from '@rivulet/jetstream-core'
import { readOptionalBody } from '../request/request-body.js'
import { streamInfoShape, streamListShape } from '../request/request-shapes.js'
import { compareNames, LIST_LIMIT, NAMES_LIMIT, pageOf } from '../response/paging.js'
import { streamInfoMembers } from '../response/stream-info.js'
import { answer, requireAccount, requireStream, type AnswerOrSilence, type ApiCall, type Members } from './api-call.js'

/** Subjects in one INFO response. */
const SUBJECTS_LIMIT = 100_000

export function streamNames(call: ApiCall): AnswerOrSilence {
  const account = requireAccount(call)
  const { offset, subject } = readListRequest(call)

  const page = pageOf(namesMatching(account, subject), offset, NAMES_LIMIT)
  return answer({
    total: page.total,
    offset: page.offset,
    limit: page.limit,
    streams: page.entries.length === 0 ? null : page.entries,
  })
}

export function listStreams(call: ApiCall): AnswerOrSilence {
  const account = requireAccount(call)
  const { offset, subject } = readListRequest(call)

  const page = pageOf(namesMatching(account, subject), offset, LIST_LIMIT)
  const streams: Members[] = []
  const offline: Record<string, string> = {}
  for (const name of page.entries) {
    const stream = account.streams.get(name)
    if (stream === undefined) offline[name] = account.offline.get(name) ?? ''
    else
      streams.push(
        streamInfoMembers(stream, call.server, { hasServerMetadata: false, hasDomain: true, hasCluster: false }),
      )
  }
  const missing = Object.keys(offline)
  return answer({
    total: page.total,
    offset: page.offset,
    limit: page.limit,
    streams,
    missing: missing.length === 0 ? undefined : missing,
    offline: missing.length === 0 ? undefined : offline,
  })
}

export async function streamInfo(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  const request = readOptionalBody(streamInfoShape, call.request.body, call.server.isStrict)
  const offset = Math.max(request.offset ?? 0, 0)
  const stream = requireStream(account, call.subject.stream)
  await stream.atRest() // the counts shown are not taken back by a power cut

  const totals = request.subjectsFilter
    ? stream.store.subjectTotals(SubjectFilter.of(wireOf(request.subjectsFilter)))
    : undefined
  const options = {
    hasServerMetadata: true,
    hasDomain: true,
    hasCluster: true,
    hasDeleted: request.deletedDetails === true,
  }
  if (totals === undefined || totals.size === 0) {
    return answer({ total: 0, offset: 0, limit: 0, ...streamInfoMembers(stream, call.server, options) })
  }
  const subjects = pageOfSubjects(totals, offset)
  return answer({
    total: totals.size,
    offset,
    limit: SUBJECTS_LIMIT,
    ...streamInfoMembers(stream, call.server, { ...options, subjects }),
  })
}

/** Subjects as text, in the order of their bytes. */
function pageOfSubjects(totals: ReadonlyMap<string, number>, offset: number): Map<string, number> {
  const wires = [...totals.keys()].sort().slice(offset, offset + SUBJECTS_LIMIT)
  return new Map(wires.map((wire) => [textOf(wire), totals.get(wire) as number]))
}

function readListRequest(call: ApiCall): { offset: number; subject: string } {
  const { offset = 0, subject = '' } = readOptionalBody(streamListShape, call.request.body, call.server.isStrict)
  return { offset, subject }
}

/** Sorted. Streams that can not be served have no subjects to filter by. */
function namesMatching(account: JetStreamAccount, subject: string): string[] {
  const names = account.streamsMatching(subject === '' ? undefined : subject).map((stream) => stream.name)
  if (subject === '') names.push(...account.offline.keys())
  return names.sort(compareNames)
}
