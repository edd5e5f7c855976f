/**
 * Errors that JetStream answers with: `{code, err_code, description}` of the API's envelope. Texts and numbers
 * come from one table (api-errors.gen.ts); nobody writes a number by hand.
 */
import { API_ERRORS } from './api-errors.gen.js'

export type ApiErrorName = keyof typeof API_ERRORS

/** The wire shape. */
export type ApiErrorJson = Readonly<{ code: number; err_code: number; description: string }>

export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  /** The constant of the table: what callers branch on. */
  readonly constant: ApiErrorName
  /** In the manner of HTTP: 400, 404, 500, ... */
  readonly code: number
  readonly errCode: number
  readonly description: string

  constructor(constant: ApiErrorName, description: string, options?: ErrorOptions) {
    super(description, options)
    this.constant = constant
    this.code = API_ERRORS[constant].code
    this.errCode = API_ERRORS[constant].errCode
    this.description = description
  }

  toJson(): ApiErrorJson {
    return { code: this.code, err_code: this.errCode, description: this.description }
  }
}

/** The error of that name, with `{name}` in its text replaced by `values.name`. */
export function apiError(
  constant: ApiErrorName,
  values?: Readonly<Record<string, string | number>>,
  options?: ErrorOptions,
): ApiError {
  let description: string = API_ERRORS[constant].description
  for (const [name, value] of Object.entries(values ?? {})) {
    description = description.replaceAll(`{${name}}`, () => String(value))
  }
  return new ApiError(constant, description, options)
}

/** `error` itself when it is an API error, else an API error of that name around its text (`{err}`). */
export function asApiError(constant: ApiErrorName, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const text = error instanceof Error ? error.message : String(error)
  return apiError(constant, { err: text }, { cause: error })
}
