/**
 * A position in a configuration text that knows its line. Control characters count as themselves; only
 * the end of the text is the end.
 */
import { ConfigError, type ConfigPlace } from './config-error.js'

export class TextCursor {
  readonly text: string
  readonly file: string
  offset = 0
  #line = 1
  #lineStart = 0 // what columns count from: 0, or the offset of the newline before the line

  constructor(text: string, file: string) {
    this.text = text
    this.file = file
  }

  get isAtEnd(): boolean {
    return this.offset >= this.text.length
  }

  /** The character here, as the text of one code point; empty at the end. */
  peek(): string {
    const code = this.text.codePointAt(this.offset)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  /** The character here, and steps over it. */
  next(): string {
    const character = this.peek()
    if (character === '\n') {
      this.#line++
      this.#lineStart = this.offset
    }
    this.offset += character.length
    return character
  }

  skipWhile(isSkipped: (character: string) => boolean): void {
    while (!this.isAtEnd && isSkipped(this.peek())) this.next()
  }

  /** The text from here on begins so. */
  startsWith(prefix: string): boolean {
    return this.text.startsWith(prefix, this.offset)
  }

  place(): ConfigPlace {
    return { file: this.file, line: this.#line, column: this.offset - this.#lineStart }
  }

  /** A syntax error at the character before this one, worded like nats-server's: the line, not the file. */
  syntaxError(reason: string): ConfigError {
    const place = this.place()
    const message = `Parse error on line ${place.line}: '${reason}'`
    return new ConfigError('CONFIG_SYNTAX', message, place, { isPlaceShown: false })
  }
}

/** A character inside an error message: the end of the text reads as \x00, as nats-server shows it. */
export function nameOfCharacter(character: string): string {
  if (character === '' || character === '\0') return '\\x00'
  if (character === '\n') return '\\n'
  return character
}

export function isSpace(character: string): boolean {
  return /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/.test(character)
}

/** White space that does not end a line. */
export function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}

export function isNewline(character: string): boolean {
  return character === '\n' || character === '\r'
}

export function isDigit(character: string): boolean {
  return character >= '0' && character <= '9' && character.length === 1
}

export function isKeySeparator(character: string): boolean {
  return character === '=' || character === ':'
}
