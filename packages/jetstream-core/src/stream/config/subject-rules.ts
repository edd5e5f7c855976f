/** Rules of the subjects a stream captures, of its transform and of republishing (jetstream-api.md section 10.2). */
import { collides, isSubset, isValidSubject } from '@rivulet/store-types'
import { apiError } from '../../errors/api-error.js'
import { checkDestination, TransformError } from '../../subject-transform/destination-token.js'
import { SubjectTransform } from '../../subject-transform/subject-transform.js'
import type { Draft } from './stream-config-rules.js'
import { invalidConfig, pedanticError, quoted, type RuleContext } from './rule-context.js'

const API_SPACES = ['$JS.>', '$JSC.>', '$NRG.>']
const API_EVENTS = '$JS.EVENT.>'
const SYSTEM_SPACE = '$SYS.>'
const SYSTEM_ACCOUNTS = '$SYS.ACCOUNT.>'

export function checkSubjects(draft: Draft): void {
  if (draft.subjects.length === 0) {
    if (draft.mirror !== undefined || (draft.sources?.length ?? 0) > 0) return
    draft.subjects = [draft.name]
    return
  }
  if (draft.mirror !== undefined) throw apiError('JSMirrorWithSubjectsErr')
  draft.subjects.forEach((subject, index) => {
    checkSubject(subject, draft)
    for (const other of draft.subjects.slice(index + 1)) {
      if (collides(other, subject)) throw invalidConfig(`subject ${quoted(subject)} overlaps with ${quoted(other)}`)
    }
  })
}

function checkSubject(subject: string, draft: Draft): void {
  if (!isValidSubject(subject)) throw invalidConfig('invalid subject')
  if (subject === '>') {
    if (!draft.noAck) throw invalidConfig('capturing all subjects requires no-ack to be true')
    if (draft.replicas !== 1) throw invalidConfig('capturing all subjects requires replicas of 1')
  }
  if (draft.noAck) return
  const isApi = API_SPACES.some((space) => collides(subject, space)) && !isSubset(subject, API_EVENTS)
  if (isApi) throw invalidConfig('subjects that overlap with jetstream api require no-ack to be true')
  if (collides(subject, SYSTEM_SPACE) && !isSubset(subject, SYSTEM_ACCOUNTS)) {
    throw invalidConfig('subjects that overlap with system api require no-ack to be true')
  }
}

export function checkSubjectTransform(draft: Draft, context: RuleContext): void {
  const transform = draft.subjectTransform
  if (transform === undefined) return
  if (transform.source !== '' && !isValidSubject(transform.source)) {
    throw apiError('JSStreamTransformInvalidSource', { err: `invalid subject ${transform.source}` })
  }
  const problem = transformProblem(transform, context.random)
  if (problem !== undefined) throw apiError('JSStreamTransformInvalidDestination', { err: problem })
}

/** Why the pair is no valid transform; undefined when it is. */
export function transformProblem(
  transform: Readonly<{ source: string; destination: string }>,
  random: () => number,
): string | undefined {
  if (transform.destination === '') return undefined
  try {
    checkDestination(transform.destination)
    SubjectTransform.create(transform.source, transform.destination, random)
    return undefined
  } catch (error) {
    if (error instanceof TransformError) return error.message
    throw error
  }
}

export function checkRepublish(draft: Draft, context: RuleContext): void {
  const republish = draft.republish
  if (republish === undefined) return
  let source = republish.source ?? ''
  let destination = republish.destination
  if (source === '') {
    if (context.pedantic) throw pedanticError('republish source can not be empty')
    source = '>'
  }
  const transform = draft.subjectTransform
  const isOnlySubject = draft.subjects.length === 1 && transform?.source === draft.subjects[0]
  if (source === '>' && destination === '>' && transform !== undefined && isOnlySubject) {
    if (context.pedantic) throw pedanticError('implicit republish based on subject transform')
    source = transform.destination
    destination = transform.destination
  }
  if (draft.subjects.some((subject) => collides(destination, subject))) {
    throw invalidConfig('stream configuration for republish destination forms a cycle')
  }
  try {
    SubjectTransform.create(source, destination, context.random)
  } catch (error) {
    if (!(error instanceof TransformError)) throw error
    const pair = `'${source}' to '${destination}'`
    throw invalidConfig(`stream configuration for republish with transform from ${pair} not valid`)
  }
  draft.republish = { ...republish, source, destination }
}
