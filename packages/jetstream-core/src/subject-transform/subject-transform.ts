/**
 * Subject transforms (server.md section 7.3): a source pattern and a destination whose tokens may be functions of
 * the tokens that the source's `*` stand for. Used by streams, republishing, sources and mirrors.
 *
 * Made once per configuration; a transform of a subject allocates, so streams without one never come here.
 */
import { matches } from '@rivulet/store-types'
import { parseDestinationToken, TransformError, type DestinationToken } from './destination-token.js'

export class SubjectTransform {
  /** text or wire text, as given; `>` when it was empty */
  readonly source: string
  readonly destination: string
  readonly #tokens: readonly DestinationToken[]
  /** 0-based positions of the source's `*` tokens */
  readonly #wildcards: readonly number[]
  readonly #random: () => number

  private constructor(parts: {
    source: string
    destination: string
    tokens: readonly DestinationToken[]
    wildcards: readonly number[]
    random: () => number
  }) {
    this.source = parts.source
    this.destination = parts.destination
    this.#tokens = parts.tokens
    this.#wildcards = parts.wildcards
    this.#random = parts.random
  }

  /**
   * `random`: floats in [0, 1), for `{{random(n)}}`. Undefined when the destination is empty: no transform.
   * @throws TransformError with the reference's text
   */
  static create(source: string, destination: string, random: () => number): SubjectTransform | undefined {
    if (destination === '') return undefined
    const from = source === '' ? '>' : source
    const sourceTokens = from.split('.')
    const wildcards = sourceTokens.flatMap((token, index) => (token === '*' ? [index] : []))
    const isFull = sourceTokens.at(-1) === '>'
    const destinationTokens = destination.split('.')
    const isDestinationFull = destinationTokens.at(-1) === '>'
    const isValid = isWellFormed(sourceTokens) && isWellFormed(destinationTokens) && !destinationTokens.includes('*')
    if (!isValid || isFull !== isDestinationFull) throw new TransformError('invalid subject')
    const hasWildcards = wildcards.length > 0 || isFull
    const tokens = destinationTokens.map((text) => checkToken(text, { hasWildcards, wildcards: wildcards.length }))
    return new SubjectTransform({ source: from, destination, tokens, wildcards, random })
  }

  /** The subject it becomes; undefined when the source does not match. */
  apply(subject: string): string | undefined {
    if (this.source === '>' && this.destination === '>') return subject
    if (this.source !== '>' && !matches(this.source, subject)) return undefined
    return this.#map(subject.split('.'))
  }

  #map(tokens: readonly string[]): string {
    const out: string[] = []
    for (const token of this.#tokens) {
      if (token.kind === 'literal' && token.text === '>') {
        // The rest of the subject: what the source's `>` stands for.
        out.push(...tokens.slice(this.#sourceFullAt()))
        break
      }
      out.push(this.#mapToken(token, tokens))
    }
    return out.join('.')
  }

  #sourceFullAt(): number {
    return this.source.split('.').length - 1
  }

  #mapToken(token: DestinationToken, tokens: readonly string[]): string {
    const index = token.indexes[0]
    const value = index === undefined ? '' : this.#wildcardText(index, tokens)
    const size = token.size
    switch (token.kind) {
      case 'literal':
        return token.text
      case 'wildcard':
        return value
      case 'partition':
        return this.#partition(token, tokens)
      case 'random':
        return size === 0 ? '0' : String(Math.floor(this.#random() * size))
      case 'splitFromLeft':
        return size > 0 && size < value.length ? `${value.slice(0, size)}.${value.slice(size)}` : value
      case 'splitFromRight':
        return size > 0 && size < value.length ? `${value.slice(0, -size)}.${value.slice(-size)}` : value
      case 'sliceFromLeft':
        return slices(value, size, 0)
      case 'sliceFromRight':
        return slices(value, size, size > 0 ? value.length % size : 0)
      case 'left':
        return size > 0 && size < value.length ? value.slice(0, size) : value
      case 'right':
        return size > 0 && size < value.length ? value.slice(-size) : value
      case 'split':
        return splitToken(value, token.text)
    }
  }

  /** Text of the n-th `*` (from 1). */
  #wildcardText(index: number, tokens: readonly string[]): string {
    const at = this.#wildcards[index - 1] ?? 0
    return tokens[at] ?? ''
  }

  #partition(token: DestinationToken, tokens: readonly string[]): string {
    if (token.size === 0) return '0'
    const key =
      token.indexes.length === 0
        ? tokens.join('.')
        : token.indexes.map((index) => this.#wildcardText(index, tokens)).join('')
    return String(fnv1a(key) % token.size)
  }
}

/** No token is empty, `>` comes last. Blanks are allowed: functions may hold them. */
function isWellFormed(tokens: readonly string[]): boolean {
  return tokens.every((token, index) => token !== '' && (token !== '>' || index === tokens.length - 1))
}

/** Parses one destination token and holds it against the source. */
function checkToken(text: string, source: { hasWildcards: boolean; wildcards: number }): DestinationToken {
  const token = parseDestinationToken(text)
  if (token.kind === 'literal' || token.kind === 'random') return token
  if (!source.hasWildcards) {
    if (token.kind === 'partition') return { ...token, indexes: [] }
    throw new TransformError(`invalid mapping destination: wildcard index out of range in ${text}`)
  }
  for (const index of token.indexes) {
    if (index > source.wildcards) {
      throw new TransformError(`invalid mapping destination: wildcard index out of range in ${text}: [${index}]`)
    }
  }
  return token
}

/** Pieces of `size`, the first one `first` long when that is not 0. */
function slices(value: string, size: number, first: number): string {
  if (size <= 0 || size >= value.length) return value
  const parts: string[] = []
  if (first > 0) parts.push(value.slice(0, first))
  for (let at = first; at < value.length; at += size) parts.push(value.slice(at, at + size))
  return parts.join('.')
}

/** Pieces between delimiters; empty ones vanish. */
function splitToken(value: string, delimiter: string): string {
  return value
    .split(delimiter)
    .filter((part) => part !== '')
    .join('.')
}

/** 32 bit FNV-1a over the bytes of wire text. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
