/**
 * The four forms of a consumer create request (jetstream-api.md section 8.1): what they demand of the names in subject
 * and body, and which name the consumer gets.
 *
 *     CONSUMER.CREATE.<s>                    ephemeral, named by the body or by the server
 *     CONSUMER.CREATE.<s>.<c>                the subject names it; durable when the body says so
 *     CONSUMER.CREATE.<s>.<c>.<filter>       likewise, and the body must ask for that very filter
 *     CONSUMER.DURABLE.CREATE.<s>.<c>        durable
 */
import { apiError } from '@rivulet/jetstream-core'
import type { ConsumerConfigInput } from '@rivulet/store-types'
import type { ConsumerCreateRequest } from '../request/request-shapes.js'
import type { ApiSubject } from '../subject/api-subject.js'

const PATH_SEPARATORS = /[\\/]/

/**
 * The configuration with its final name; '' when the server is to make one.
 * @throws ApiError 10056, 10127, 10018, 10017, 10020, 10137, 10131, in this order
 */
export function namedConfig(subject: ApiSubject, request: ConsumerCreateRequest): ConsumerConfigInput {
  const config = request.config ?? {}
  const isLegacyEphemeral = subject.consumer === ''
  const name = isLegacyEphemeral ? (config.name ?? '') : subject.consumer
  const durableName = config.durableName ?? ''
  if (subject.stream !== (request.streamName ?? '')) throw apiError('JSStreamMismatchErr')
  if (PATH_SEPARATORS.test(name)) throw apiError('JSConsumerNameContainsPathSeparatorsErr')

  if (isLegacyEphemeral) {
    if (durableName !== '') throw apiError('JSConsumerEphemeralWithDurableNameErr')
  } else if (durableName === '') {
    if (subject.call === 'CONSUMER.DURABLE.CREATE') throw apiError('JSConsumerDurableNameNotSetErr')
  } else if (durableName !== name) {
    throw apiError('JSConsumerDurableNameNotMatchSubjectErr')
  }
  if (subject.filter !== '') {
    if (config.filterSubjects !== undefined && config.filterSubjects.length > 0) {
      throw apiError('JSConsumerMultipleFiltersNotAllowed')
    }
    if (config.filterSubject !== subject.filter) throw apiError('JSConsumerCreateFilterSubjectMismatchErr')
  }
  return { ...config, name }
}
