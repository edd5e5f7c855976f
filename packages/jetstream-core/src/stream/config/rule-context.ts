import type { StreamConfig } from '@rivulet/store-types'
import type { AccountLimits, JetStreamLimits } from '../../engine/options.js'
import { apiError, type ApiError } from '../../errors/api-error.js'

/** What the rules of a stream's configuration need to know of the world. */
export type RuleContext = Readonly<{
  pedantic: boolean
  limits: JetStreamLimits
  accountLimits: AccountLimits
  /** the configuration of a stream of the account */
  find: (name: string) => StreamConfig | undefined
  /** floats in [0, 1) */
  random: () => number
}>

/** 10052 with that text. */
export function invalidConfig(text: string): ApiError {
  return apiError('JSStreamInvalidConfigF', { err: text })
}

/** 10157: a correction that pedantic requests refuse. */
export function pedanticError(text: string): ApiError {
  return apiError('JSPedanticErrF', { err: text })
}

/** Not empty, no white space, none of `. * > \ /`. */
export function isAssetName(name: string): boolean {
  return name !== '' && !/[ \t\r\n\f.*>\\/]/.test(name)
}

/** Go's %q, for the texts of errors. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
