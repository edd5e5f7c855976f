/**
 * Errors of the configuration: what a person wrote in a file, the environment or on the command line.
 * Each knows its place, and prints it the way nats-server does, so that tools that read the messages
 * of one understand the other.
 */

/** `line` counts from 1, `column` from 0 on the first line and from 1 on all others, as nats-server prints them. */
export type ConfigPlace = Readonly<{ file: string; line: number; column: number }>

/** Public: a released code keeps its meaning. */
export type ConfigErrorCode =
  | 'CONFIG_SYNTAX' // the text is no configuration
  | 'CONFIG_UNREADABLE' // the file, or one it includes, cannot be read
  | 'CONFIG_INCLUDE' // an included file is wrong, or includes itself
  | 'CONFIG_VARIABLE' // a variable is not defined, or its text is no value
  | 'CONFIG_EMPTY' // no keys
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_TYPE' // a value of a wrong type
  | 'CONFIG_VALUE' // a value that cannot be
  | 'CONFIG_DEPRECATED' // accepted by a start, refused by a check
  | 'CONFIG_CONFLICT' // keys that exclude each other
  | 'CONFIG_NOT_SERVED' // a key of nats-server that would open a door if it were ignored

export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly code: ConfigErrorCode
  readonly place: ConfigPlace | undefined
  /** What is wrong, without the place. */
  readonly reason: string

  /** `isPlaceShown`: the message begins with `file:line:column: `. */
  constructor(
    code: ConfigErrorCode,
    reason: string,
    place?: ConfigPlace,
    options?: ErrorOptions & { isPlaceShown?: boolean },
  ) {
    super(place !== undefined && options?.isPlaceShown !== false ? `${textOfPlace(place)}: ${reason}` : reason, options)
    this.code = code
    this.reason = reason
    this.place = place
  }
}

export function textOfPlace(place: ConfigPlace): string {
  return `${place.file}:${place.line}:${place.column}`
}
