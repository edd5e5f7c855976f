/**
 * The configuration language: keys and values, separated by `=`, `:` or white space, with blocks,
 * lists, comments, variables and includes. Any JSON object is a configuration too.
 *
 *     port: 4222                       # a comment, also after //
 *     max_payload = 64KB
 *     authorization { user: a, password: $PASSWORD }
 *     server_tags: [ eu, "rack 7" ]
 *     include "cluster.conf"
 *
 * A key given twice counts as it stands last. The grammar is that of nats-server, and so are the
 * messages; the page is docs/configuration-language.md.
 */
import { ConfigError, type ConfigPlace, textOfPlace } from './config-error.js'
import { type ConfigMap, type ConfigNode, type ConfigValue, nodeOf } from './config-node.js'
import { joinPath, type ReadFile, readConfigText } from './config-source.js'
import { readScalar } from './scalar-reader.js'
import { isBlank, isKeySeparator, isNewline, isSpace, nameOfCharacter, TextCursor } from './text-cursor.js'

/** Blocks and lists inside one another, and files that include files. More is a mistake. */
export const NESTING_MAX = 500
export const INCLUDE_DEPTH_MAX = 64

export type ConfigSource = Readonly<{
  /** The path of the text, for messages and for includes, which are relative to its folder. */
  file: string
  readFile: ReadFile
  /** Where variables are looked up that no block defines. */
  environment: Readonly<Record<string, string | undefined>>
}>

/**
 * Reads a configuration. Returns its values in the order of the text.
 * @throws ConfigError at the first place that is no configuration, with line and column.
 */
export function parseConfig(text: string, source: ConfigSource): ConfigMap {
  return new Parser(text, source, { files: [source.file], variables: [] }).parseFile()
}

/** What is being read further out: guards against files and variables that need themselves. */
type Ancestors = Readonly<{ files: readonly string[]; variables: readonly string[] }>

/** What stands around an entry: the file, its optional braces, or a block after a key. */
type Surroundings = 'file' | 'braces' | 'block'

class Parser {
  readonly #cursor: TextCursor
  readonly #source: ConfigSource
  readonly #ancestors: Ancestors
  /** The blocks around the cursor, innermost last: where variables are looked up. */
  readonly #scopes: ConfigMap[] = []
  #depth = 0

  constructor(text: string, source: ConfigSource, ancestors: Ancestors) {
    this.#cursor = new TextCursor(text, source.file)
    this.#source = source
    this.#ancestors = ancestors
  }

  parseFile(): ConfigMap {
    const values: ConfigMap = new Map()
    this.#scopes.push(values)
    this.#readEntries(values, 'file')
    this.#scopes.pop()
    return values
  }

  /** The text as one value, as environment variables are read. */
  parseValue(): ConfigNode {
    const place = this.#cursor.place()
    this.#cursor.skipWhile(isBlank)
    const node = this.#readValue(place)
    this.#skipSpaceAndComments()
    if (!this.#cursor.isAtEnd) throw this.#unexpected((found) => `Expected one value, but got '${found}' instead.`)
    return node
  }

  #readEntries(values: ConfigMap, around: Surroundings): void {
    for (;;) {
      this.#skipSpaceAndComments()
      const character = this.#cursor.peek()
      if (character === '') {
        // Braces around a whole file may stay open, as in nats-server.
        if (around === 'block') throw this.#cursor.syntaxError('Unexpected EOF processing map.')
        return
      }
      if (character === '}') {
        if (around === 'file') throw this.#unexpected(() => "Unexpected map end '}', no map is open.")
        this.#cursor.next()
        return
      }
      if (character === '{' && around !== 'block') {
        this.#cursor.next()
        this.#nested(() => this.#readEntries(values, 'braces'))
        if (around === 'braces') this.#readEntryEnd(around)
        continue
      }
      this.#readEntry(values, around)
      this.#readEntryEnd(around)
    }
  }

  #readEntry(values: ConfigMap, around: Surroundings): void {
    const first = this.#cursor.peek()
    const dot = around === 'block' ? '.' : ''
    if (isKeySeparator(first)) throw this.#unexpected(() => `Unexpected key separator '${first}'${dot}`)
    if (first === ']' && around === 'block') throw this.#unexpected(() => "Unexpected array end ']' processing map.")
    if (first === '/') throw this.#unexpected(() => "Unexpected '/', a comment begins with '//'.")
    const place = this.#cursor.place()
    const isQuoted = first === '"' || first === "'"
    const key = isQuoted ? this.#readQuotedKey(first, around) : this.#readBareKey(around)
    const keyPlace = isQuoted ? { ...place, column: place.column + 1 } : place
    if (!isQuoted && key.toLowerCase() === 'include' && isSpace(this.#cursor.peek())) {
      return this.#readInclude(values, keyPlace)
    }
    this.#cursor.skipWhile(isSpace)
    const hasSeparator = isKeySeparator(this.#cursor.peek())
    if (hasSeparator) this.#cursor.next()
    this.#checkValueStart(key, around, hasSeparator)
    const node = this.#readValue(keyPlace)
    values.delete(key) // a key given again moves to where it stands last
    values.set(key, node)
  }

  #readQuotedKey(quote: string, around: Surroundings): string {
    this.#cursor.next()
    const start = this.#cursor.offset
    this.#cursor.skipWhile((character) => character !== quote)
    const key = this.#cursor.text.slice(start, this.#cursor.offset)
    if (this.#cursor.isAtEnd) {
      const kind = quote === '"' ? 'double quoted' : 'quoted'
      const place = around === 'block' ? ` processing ${kind} map key` : ''
      throw this.#cursor.syntaxError(`Unexpected EOF${place}.`)
    }
    this.#cursor.next()
    return key
  }

  #readBareKey(around: Surroundings): string {
    const start = this.#cursor.offset
    this.#cursor.next()
    this.#cursor.skipWhile((character) => !isSpace(character) && !isKeySeparator(character))
    if (this.#cursor.isAtEnd && around === 'block') {
      throw this.#cursor.syntaxError('Unexpected EOF processing map key.')
    }
    return this.#cursor.text.slice(start, this.#cursor.offset)
  }

  /** After a key and its separator: what can never begin a value. */
  #checkValueStart(key: string, around: Surroundings, hasSeparator: boolean): void {
    const cursor = this.#cursor
    if (around !== 'block') {
      if (cursor.isAtEnd && !hasSeparator) {
        const place = cursor.place()
        const reason = `config is invalid (${textOfPlace(place)})`
        throw new ConfigError('CONFIG_SYNTAX', reason, place, { isPlaceShown: false })
      }
      cursor.skipWhile(isBlank)
      if (isNewline(cursor.peek())) throw this.#unexpected(() => 'Expected value but found new line')
      return
    }
    cursor.skipWhile(isSpace)
    if (cursor.peek() === ',') throw this.#unexpected(() => 'Unexpected map value terminator ",".')
    if (cursor.peek() === '}') throw this.#unexpected(() => `Unexpected map end '}', expected a value for '${key}'.`)
  }

  /** Between two entries stands a comma, a semicolon or a new line. */
  #readEntryEnd(around: Surroundings): void {
    this.#cursor.skipWhile(isBlank)
    if (this.#isComment()) this.#skipComment()
    const character = this.#cursor.peek()
    if (character === '' && around === 'file') return
    if (character === '}' && around !== 'file') return
    if (character === ',' || character === ';' || isNewline(character)) {
      this.#cursor.next()
      return
    }
    if (character === '}') throw this.#unexpected(() => "Unexpected map end '}', no map is open.")
    throw this.#unexpected((found) => ENTRY_END_TEXTS[around].replace('?', () => found))
  }

  /** `place`: what messages about the value point at. The cursor stands before it, after blanks. */
  #readValue(place: ConfigPlace): ConfigNode {
    this.#cursor.skipWhile(isBlank)
    const character = this.#cursor.peek()
    if (isNewline(character)) throw this.#unexpected(() => 'Expected value but found new line')
    if (character === '[') return nodeOf({ kind: 'list', value: this.#nested(() => this.#readList()) }, place)
    if (character === '{') return nodeOf({ kind: 'map', value: this.#nested(() => this.#readBlock()) }, place)
    const scalar = readScalar(this.#cursor)
    return nodeOf(scalar.kind === 'variable' ? this.#lookUp(scalar.name, place) : scalar, place)
  }

  #readBlock(): ConfigMap {
    this.#cursor.next()
    const values: ConfigMap = new Map()
    this.#scopes.push(values)
    this.#readEntries(values, 'block')
    this.#scopes.pop()
    return values
  }

  #readList(): ConfigNode[] {
    this.#cursor.next()
    const values: ConfigNode[] = []
    for (;;) {
      this.#skipSpaceAndComments()
      const character = this.#cursor.peek()
      if (character === ']') {
        this.#cursor.next()
        return values
      }
      if (character === ',' || character === '/') {
        throw this.#unexpected((found) => `Unexpected array value terminator '${found}'.`)
      }
      values.push(this.#readElement())
      if (!this.#isListContinued()) return values
    }
  }

  #readElement(): ConfigNode {
    const start = this.#cursor.place()
    const opening = this.#cursor.peek()
    const node = this.#readValue(start)
    // nats-server points at the text of strings, and at the end of blocks and lists.
    const isOpened = ['"', "'", '$'].includes(opening)
    const place = opening === '{' || opening === '[' ? this.#cursor.place() : start
    return { ...node, place: isOpened ? { ...place, column: place.column + 1 } : place }
  }

  /** After an element: the list ends, or goes on after a comma or a new line. */
  #isListContinued(): boolean {
    this.#cursor.skipWhile(isBlank)
    if (this.#isComment()) this.#skipComment()
    const character = this.#cursor.peek()
    if (character === ']' || character === ',' || isNewline(character)) {
      this.#cursor.next()
      return character !== ']'
    }
    throw this.#unexpected(
      (found) =>
        'Expected an array value terminator "," or an array terminator "]", ' + `but got '${found}' instead.`,
    )
  }

  #lookUp(name: string, place: ConfigPlace): ConfigValue {
    // A bcrypt hash looks like a variable, and is none.
    if (/^2[abxy]\$/.test(name)) return { kind: 'string', value: `$${name}` }
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const node = this.#scopes[i]?.get(name)
      if (node === undefined) continue
      node.isUsedVariable = true
      return node
    }
    const fail = (rest: string, cause?: unknown) =>
      new ConfigError(
        'CONFIG_VARIABLE',
        `variable reference for '${name}' on line ${this.#cursor.place().line} ${rest}`,
        place,
        { cause, isPlaceShown: false },
      )
    const text = Object.hasOwn(this.#source.environment, name) ? this.#source.environment[name] : undefined
    if (text === undefined) throw fail('can not be found')
    if (this.#ancestors.variables.includes(name)) {
      throw fail(`could not be parsed: variable reference cycle for '${name}'`)
    }
    const variables = [...this.#ancestors.variables, name]
    try {
      return new Parser(text, this.#source, { ...this.#ancestors, variables }).parseValue()
    } catch (cause) {
      throw cause instanceof ConfigError ? fail(`could not be parsed: ${cause.message}`, cause) : cause
    }
  }

  /** After the word `include`. Included values stand where the include stands. */
  #readInclude(values: ConfigMap, place: ConfigPlace): void {
    this.#cursor.skipWhile(isBlank)
    const name = this.#readIncludeName()
    const path = joinPath(this.#source.file, name)
    const { files } = this.#ancestors
    const fail = (code: 'CONFIG_INCLUDE' | 'CONFIG_UNREADABLE', reason: string, options: ErrorOptions = {}) =>
      new ConfigError(code, `error parsing include file '${name}', ${reason}`, place, {
        ...options,
        isPlaceShown: false,
      })
    if (files.some((file) => joinPath(file, baseName(file)) === path)) {
      throw fail('CONFIG_INCLUDE', `it includes itself (${textOfPlace(place)})`)
    }
    if (files.length >= INCLUDE_DEPTH_MAX) throw fail('CONFIG_INCLUDE', `more than ${INCLUDE_DEPTH_MAX} files deep`)
    try {
      const text = readConfigText(this.#source.readFile, path, place)
      const ancestors: Ancestors = { files: [...files, path], variables: this.#ancestors.variables }
      const included = new Parser(text, { ...this.#source, file: path }, ancestors).parseFile()
      for (const [key, node] of included) {
        values.delete(key)
        values.set(key, node)
      }
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause
      throw fail(cause.code === 'CONFIG_UNREADABLE' ? cause.code : 'CONFIG_INCLUDE', cause.message, { cause })
    }
  }

  #readIncludeName(): string {
    const cursor = this.#cursor
    const first = cursor.peek()
    if (first === '"' || first === "'") {
      cursor.next()
      const start = cursor.offset
      cursor.skipWhile((character) => character !== first)
      if (cursor.isAtEnd) {
        throw cursor.syntaxError(`Unexpected EOF in ${first === '"' ? 'double quoted' : 'quoted'} include`)
      }
      cursor.next()
      return cursor.text.slice(start, cursor.offset - 1)
    }
    const wrong = INCLUDE_MISTAKES.find(([characters]) => first !== '' && characters.includes(first))
    if (wrong !== undefined) throw this.#unexpected(() => `Expected include value but found ${wrong[1]}`)
    const start = cursor.offset
    cursor.skipWhile((character) => !isNewline(character) && !isBlank(character) && !";}'".includes(character))
    const name = cursor.text.slice(start, cursor.offset)
    if (cursor.peek() === "'") cursor.next()
    return name
  }

  #skipSpaceAndComments(): void {
    for (;;) {
      this.#cursor.skipWhile(isSpace)
      if (!this.#isComment()) return
      this.#skipComment()
    }
  }

  #isComment(): boolean {
    return this.#cursor.peek() === '#' || this.#cursor.startsWith('//')
  }

  #skipComment(): void {
    this.#cursor.skipWhile((character) => !isNewline(character))
  }

  #nested<T>(read: () => T): T {
    if (this.#depth >= NESTING_MAX) {
      throw this.#cursor.syntaxError(`Blocks and lists are nested more than ${NESTING_MAX} deep.`)
    }
    this.#depth++
    const value = read()
    this.#depth--
    return value
  }

  /** An error about the character here; its line is the one behind it, as nats-server counts. */
  #unexpected(reason: (found: string) => string): ConfigError {
    const found = nameOfCharacter(this.#cursor.next())
    return this.#cursor.syntaxError(reason(found))
  }
}

const ENTRY_END_TEXTS: Readonly<Record<Surroundings, string>> = {
  file: "Expected a top-level value to end with a new line, comment or EOF, but got '?' instead.",
  braces: "Expected a block-level value to end with a new line, comment or EOF, but got '?' instead.",
  block: 'Expected a map value terminator "," or a map terminator "}", but got \'?\' instead.',
}

const INCLUDE_MISTAKES: readonly (readonly [string, string])[] = [
  ['[', 'start of an array'],
  ['{', 'start of a map'],
  ['(', 'start of a block'],
  ['-0123456789', 'start of a number'],
  ['\\', 'escape sequence'],
  ['\r\n', 'new line'],
]

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
