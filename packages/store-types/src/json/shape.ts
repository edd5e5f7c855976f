/**
 * Shapes: what a JSON member must look like and what it becomes, in both directions.
 *
 * A shape reads as the reference's decoder does: member names match without regard to case, `null`
 * leaves a plain member as it is, the first wrong type is reported after the whole value was looked
 * at, and the texts name the reference's types ("cannot unmarshal string into Go struct field
 * StreamConfigRequest.StreamConfig.max_msgs of type int64"), because clients show and compare them.
 * In strict mode an unknown member is an error: `json: unknown field "x"`.
 */
import { formatRfc3339, parseRfc3339 } from './rfc3339.js'
import { JsonReader } from './json-reader.js'
import { writeJson } from './json-writer.js'
import { JsonDecimal, JsonSyntaxError, isJsonObject, type JsonValue, type JsonWritable } from './json-value.js'

export type Shape<T> = Readonly<{
  /** The reference's name of the type, for error texts. */
  goType: string
  /** What an absent member stands for; undefined: written as null. */
  zero: T | undefined
  isZero(value: T): boolean
  /** Undefined: the member stays as it is (null, or an error that the context has noted). */
  decode(value: JsonValue, context: DecodeContext): T | undefined
  encode(value: T): JsonWritable
}>

export type DecodeOptions = Readonly<{ strict: boolean }>

/** JSON of the wrong shape. The message is what clients get. */
export class JsonShapeError extends Error {
  override readonly name: string = 'JsonShapeError'
}

/** Where in the value the decoder is, and the first error it met. */
export class DecodeContext {
  readonly strict: boolean
  error: JsonShapeError | undefined
  #struct: string | undefined
  #path: string[] = []

  constructor(strict: boolean) {
    this.strict = strict
  }

  /** Notes an error; the first one counts. */
  note(message: string): undefined {
    this.error ??= new JsonShapeError(message)
    return undefined
  }

  noteWrongType(value: JsonValue, goType: string): undefined {
    return this.noteWrong(kindOf(value), goType)
  }

  noteWrong(what: string, goType: string): undefined {
    const place = this.#struct === undefined ? 'value' : `struct field ${this.#struct}.${this.#path.join('.')}`
    return this.note(`json: cannot unmarshal ${what} into Go ${place} of type ${goType}`)
  }

  inside<T>(struct: string, steps: readonly string[], body: () => T): T {
    const outer = this.#struct
    const size = this.#path.length
    this.#struct = struct
    this.#path.push(...steps)
    const result = body()
    this.#struct = outer
    this.#path.length = size
    return result
  }
}

/** @throws JsonShapeError */
export function decodeShape<T>(shape: Shape<T>, value: JsonValue, options: DecodeOptions): T | undefined {
  const context = new DecodeContext(options.strict)
  const result = shape.decode(value, context)
  if (context.error !== undefined) throw context.error
  return result
}

/**
 * Reads a request body as the reference does: values one after the other into one structure, an empty
 * body is an empty structure, and when not strict a failure is read again leniently as one value.
 * @throws JsonShapeError with the text that follows "invalid JSON: "
 */
export function decodeRequest<T extends object>(shape: Shape<T>, body: string | Uint8Array, options: DecodeOptions): T {
  const result = {} as T
  try {
    const reader = new JsonReader(body)
    for (;;) {
      const value = reader.next()
      if (value === undefined) return result
      Object.assign(result, decodeShape(shape, value, { strict: true }))
    }
  } catch (error) {
    if (options.strict) throw strictError(error)
  }
  const reader = new JsonReader(body)
  try {
    const value = reader.next()
    if (value === undefined) throw new JsonSyntaxError('unexpected end of JSON input', reader.byteOffset, true)
    reader.expectEnd()
    return Object.assign({} as T, decodeShape(shape, value, { strict: false }))
  } catch (error) {
    throw error instanceof JsonSyntaxError ? new JsonShapeError(error.message, { cause: error }) : error
  }
}

function strictError(error: unknown): unknown {
  if (!(error instanceof JsonSyntaxError)) return error
  const text = error.isEnd ? 'unexpected EOF' : `${error.message} at offset ${error.offset}`
  return new JsonShapeError(text, { cause: error })
}

// --- plain shapes -----------------------------------------------------------------------------------

export const stringShape: Shape<string> = {
  goType: 'string',
  zero: '',
  isZero: (value) => value === '',
  decode: (value, context) => {
    if (typeof value === 'string') return value
    return value === null ? undefined : context.noteWrongType(value, 'string')
  },
  encode: (value) => value,
}

export const boolShape: Shape<boolean> = {
  goType: 'bool',
  zero: false,
  isZero: (value) => !value,
  decode: (value, context) => {
    if (typeof value === 'boolean') return value
    return value === null ? undefined : context.noteWrongType(value, 'bool')
  },
  encode: (value) => value,
}

/** Integers that are safe in a double. Larger ones are refused, never rounded. */
function integerShape(goType: string, min: number, max: number): Shape<number> {
  return {
    goType,
    zero: 0,
    isZero: (value) => value === 0,
    decode: (value, context) => {
      if (value === null) return undefined
      if (typeof value === 'number' && value >= min && value <= max) return value
      return isNumeric(value) ? context.noteWrong(`number ${textOfNumber(value)}`, goType) : context.noteWrongType(value, goType)
    },
    encode: (value) => value,
  }
}

export const intShape: Shape<number> = integerShape('int', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
export const int64Shape: Shape<number> = integerShape('int64', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
export const int32Shape: Shape<number> = integerShape('int32', -(2 ** 31), 2 ** 31 - 1)
export const uint64Shape: Shape<number> = integerShape('uint64', 0, Number.MAX_SAFE_INTEGER)

/** Nanoseconds, all 64 bits. */
export const durationShape: Shape<bigint> = {
  goType: 'time.Duration',
  zero: 0n,
  isZero: (value) => value === 0n,
  decode: (value, context) => {
    if (value === null) return undefined
    if (typeof value === 'number') return BigInt(value)
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
    if (!isNumeric(value)) return context.noteWrongType(value, 'time.Duration')
    return context.noteWrong(`number ${textOfNumber(value)}`, 'time.Duration')
  },
  encode: (value) => value,
}

/** A time that may be absent (a pointer in the reference): nanoseconds since the epoch. */
export const timeShape: Shape<bigint> = {
  goType: 'time.Time',
  zero: undefined,
  isZero: () => false,
  decode: (value) => {
    if (value === null) return undefined
    if (typeof value !== 'string') throw new JsonShapeError('Time.UnmarshalJSON: input is not a JSON string')
    try {
      return parseRfc3339(value)
    } catch (error) {
      throw new JsonShapeError((error as Error).message, { cause: error })
    }
  },
  encode: formatRfc3339,
}

/**
 * One of `words`; the first is the zero value. `aliases` are further words that are read.
 * An unknown word ends decoding at once with `failure(<the JSON as written>)`.
 */
export function enumShape<T extends string>(options: {
  goType: string
  words: readonly T[]
  aliases?: Readonly<Record<string, T>>
  ignoresCase?: boolean
  failure: (json: string) => string
}): Shape<T> {
  return {
    goType: options.goType,
    zero: options.words[0],
    isZero: (value) => value === options.words[0],
    decode: (value) => {
      const word = typeof value === 'string' && options.ignoresCase === true ? value.toLowerCase() : value
      const found = options.words.find((known) => known === word)
      if (found !== undefined) return found
      const aliases = options.aliases ?? {}
      if (typeof word === 'string' && Object.hasOwn(aliases, word)) return aliases[word] as T
      throw new JsonShapeError(options.failure(writeJson(value)))
    },
    encode: (value) => value,
  }
}

/** `can not unmarshal "\"x\""`: what most of the reference's enumerations say. */
export function canNotUnmarshal(json: string): string {
  return `can not unmarshal ${JSON.stringify(json)}`
}

// --- composed shapes --------------------------------------------------------------------------------

export function listShape<T>(item: Shape<T>, goItem: string = item.goType): Shape<readonly T[]> {
  const goType = `[]${goItem}`
  return {
    goType,
    zero: undefined,
    isZero: (value) => value.length === 0,
    decode: (value, context) => {
      if (value === null) return undefined
      if (!Array.isArray(value)) return context.noteWrongType(value, goType)
      return value.map((element) => item.decode(element, context) ?? (item.zero as T))
    },
    encode: (value) => value.map((element) => item.encode(element)),
  }
}

/** An object of strings; written with its keys sorted. */
export const stringMapShape: Shape<Readonly<Record<string, string>>> = {
  goType: 'map[string]string',
  zero: undefined,
  isZero: (value) => Object.keys(value).length === 0,
  decode: (value, context) => {
    if (value === null) return undefined
    if (!isJsonObject(value)) return context.noteWrongType(value, 'map[string]string')
    const map = Object.create(null) as Record<string, string>
    for (const [key, member] of Object.entries(value)) map[key] = stringShape.decode(member, context) ?? ''
    return map
  },
  encode: (value) => {
    const sorted = Object.create(null) as Record<string, string>
    for (const key of Object.keys(value).sort(compareBytes)) sorted[key] = value[key] as string
    return sorted
  },
}

export type Field<T> = Readonly<{
  json: string
  shape: Shape<T>
  /** left out when zero or absent */
  isOmitted: boolean
  /** what an absent member becomes; undefined: it stays absent */
  fill: T | undefined
  /** the reference's embedded structures between the structure and this member */
  embedded: readonly string[]
}>

export type Fields<T> = Readonly<{ [K in keyof T]-?: Field<Exclude<T[K], undefined>> }>

/** A member that is always written. */
export function always<T>(json: string, shape: Shape<T>): Field<T> {
  return { json, shape, isOmitted: false, fill: undefined, embedded: [] }
}

/** A member that is left out when it is absent or zero. */
export function optional<T>(json: string, shape: Shape<T>): Field<T> {
  return { json, shape, isOmitted: true, fill: undefined, embedded: [] }
}

/** The field, with the zero value where it is absent. */
export function filled<T>(field: Field<T>): Field<T> {
  return { ...field, fill: field.shape.zero }
}

/** The fields of a structure that the reference embeds under the type name `name`. */
export function embed<T>(name: string, fields: Fields<T>): Fields<T> {
  const result: Record<string, Field<unknown>> = {}
  for (const [key, field] of Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>)) {
    result[key] = { ...field, embedded: [name, ...field.embedded] }
  }
  return result as Fields<T>
}

/** A structure of the reference's package `server`. `fields` are in the order they are written. */
export function structShape<T extends object>(goName: string, fields: Fields<T>): Shape<T> {
  const list = Object.entries(fields) as [string, Field<unknown>][]
  const byName = new Map(list.map((entry) => [entry[1].json, entry]))
  const byFoldedName = new Map(list.toReversed().map((entry) => [foldName(entry[1].json), entry]))
  const goType = `server.${goName}`
  return {
    goType,
    zero: {} as T,
    isZero: () => false,
    decode: (value, context) => {
      if (value === null) return undefined
      if (!isJsonObject(value)) return context.noteWrongType(value, goType)
      const result: Record<string, unknown> = {}
      for (const [key, field] of list) if (field.fill !== undefined) result[key] = field.fill
      for (const [name, member] of Object.entries(value)) {
        const entry = byName.get(name) ?? byFoldedName.get(foldName(name))
        if (entry === undefined) {
          if (context.strict) context.note(`json: unknown field ${JSON.stringify(name)}`)
          continue
        }
        const [key, field] = entry
        const decoded = context.inside(goName, [...field.embedded, field.json], () => field.shape.decode(member, context))
        if (decoded !== undefined) result[key] = decoded
      }
      return result as T
    },
    encode: (value) => encodeFields(list, value),
  }
}

function encodeFields(list: readonly [string, Field<unknown>][], value: object): { [name: string]: JsonWritable } {
  const members = value as Record<string, unknown>
  const result = Object.create(null) as { [name: string]: JsonWritable }
  for (const [key, field] of list) {
    const member = members[key]
    if (member === undefined) {
      if (!field.isOmitted) result[field.json] = field.shape.zero === undefined ? null : field.shape.encode(field.shape.zero)
    } else if (!field.isOmitted || !field.shape.isZero(member)) {
      result[field.json] = field.shape.encode(member)
    }
  }
  return result
}

/** Names match without regard to case; U+017F and U+212A fold to `s` and `k`. */
function foldName(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's')
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function isNumeric(value: JsonValue): value is number | bigint | JsonDecimal {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonDecimal
}

function textOfNumber(value: number | bigint | JsonDecimal): string {
  return value instanceof JsonDecimal ? value.text : String(value)
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (isNumeric(value)) return 'number'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : 'object'
}
