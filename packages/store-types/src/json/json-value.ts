/**
 * JSON values as the reader gives them out. An integer is a `number` while that is exact and a
 * `bigint` beyond 2^53; a number that was not written as a plain integer (fraction, exponent, `-0`)
 * is a JsonDecimal, which keeps its text. Objects have no prototype; of repeated names the last counts.
 */
export type JsonValue = null | boolean | number | bigint | JsonDecimal | string | JsonValue[] | JsonObject

export type JsonObject = { [name: string]: JsonValue }

/** A number with a fraction or an exponent. */
export class JsonDecimal {
  /** as written */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  valueOf(): number {
    return Number(this.text)
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonDecimal)
}

/** What writeJson takes; members whose value is undefined are left out. */
export type JsonWritable =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | JsonDecimal
  | string
  | readonly JsonWritable[]
  | { readonly [name: string]: JsonWritable }

/** The text is not JSON. `message` is the reference's text, without a position. */
export class JsonSyntaxError extends Error {
  override readonly name: string = 'JsonSyntaxError'
  /** Bytes read, the offending one included. */
  readonly offset: number
  /** True when the text ended too early. */
  readonly isEnd: boolean

  constructor(message: string, offset: number, isEnd: boolean) {
    super(message)
    this.offset = offset
    this.isEnd = isEnd
  }
}
