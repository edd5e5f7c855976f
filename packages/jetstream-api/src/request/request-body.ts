/**
 * Bodies of requests (jetstream-api.md section 2, "Bodies"). Four classes: optional ones are read only when they
 * look like JSON, some must be empty, some must not, and the rest reads an empty body as `{}`.
 */
import { apiError, type ApiError } from '@rivulet/jetstream-core'
import { decodeRequest, decodeShape, isJsonObject, parseJson, type Shape } from '@rivulet/store-types'

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
const NO_BYTES = Buffer.alloc(0)

/**
 * The structure in `body`; an empty body is an empty structure.
 * @throws ApiError 10025
 */
export function readBody<T extends object>(shape: Shape<T>, body: Buffer, isStrict: boolean): T {
  try {
    return decodeRequest(shape, body, { strict: isStrict })
  } catch (error) {
    throw invalidJson(error)
  }
}

/**
 * As readBody; a body that does not look like JSON counts as none.
 * @throws ApiError 10025
 */
export function readOptionalBody<T extends object>(shape: Shape<T>, body: Buffer, isStrict: boolean): T {
  return readBody(shape, looksLikeJson(body) ? body : NO_BYTES, isStrict)
}

/**
 * The structure in `body`, whatever the server's strictness: unknown members are passed over, nothing may follow.
 * @throws ApiError 10025
 */
export function readLenientBody<T extends object>(shape: Shape<T>, body: Buffer): T {
  try {
    return decodeShape(shape, parseJson(body), { strict: false }) ?? ({} as T)
  } catch (error) {
    throw invalidJson(error)
  }
}

/** Nothing, or an object without members. */
export function isEmptyRequest(body: Buffer): boolean {
  if (body.length === 0) return true
  if (!looksLikeJson(body)) return false
  try {
    const value = parseJson(body)
    return isJsonObject(value) && Object.keys(value).length === 0
  } catch {
    return false
  }
}

/** The first byte that is no blank is `{` or `[`. */
function looksLikeJson(body: Buffer): boolean {
  const c = body[firstInk(body)]
  return c === OPEN_BRACE || c === OPEN_BRACKET
}

/** Error 10025 around the parser's words. */
function invalidJson(error: unknown): ApiError {
  return apiError('JSInvalidJSONErr', { err: error instanceof Error ? error.message : String(error) }, { cause: error })
}

function firstInk(body: Buffer): number {
  let i = 0
  while (i < body.length) {
    const c = body[i]
    if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return i
    i++
  }
  return i
}
