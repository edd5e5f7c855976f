export { configDigest } from './language/config-digest.js'
export { ConfigError, textOfPlace, type ConfigErrorCode, type ConfigPlace } from './language/config-error.js'
export { typeNameOf, type ConfigMap, type ConfigNode, type ConfigValue } from './language/config-node.js'
export type { ReadFile } from './language/config-source.js'
export { INCLUDE_DEPTH_MAX, NESTING_MAX, parseConfig, type ConfigSource } from './language/parse-config.js'
export { formatGoDuration, nanosOfMs, parseGoDuration, type DurationResult } from './values/go-duration.js'
export { parseStorageSize } from './values/storage-size.js'
export { joinHostPort, parseAdvertisedAddress, parseHostPort, splitHostPort, type HostPort } from './values/address.js'
export {
  cipherName,
  defaultOptions,
  type AuthorizationOptions,
  type ClusterOptions,
  type EncryptionOptions,
  type JetStreamLimitOptions,
  type JetStreamOptions,
  type LogOptions,
  type ServerOptions,
  type UserOptions,
} from './options/server-options.js'
export { conflictOf } from './options/conflicts.js'
export { readOptionsFile, readOptionsText, type ConfigReading, type ConfigResult } from './options/read-options.js'
export { flags, type Flag } from './flags/flag-table.js'
export { parseFlags, type FlagsResult, type GivenFlag } from './flags/parse-flags.js'
export { helpText } from './flags/help-text.js'
export { signalFailureText, type SignalOrder } from './flags/signal.js'
export { topLevelKeys } from './keys/top-level-keys.js'
export type { Field, Served, Tier } from './keys/field.js'
export { differenceOf, isAuthorizationChanged, type ReloadDifference } from './options/reload.js'
export { resolveOptions, resolveReload, type CommandLine, type Reloaded, type Resolved } from './resolve-options.js'
