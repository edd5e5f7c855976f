/**
 * Metadata that the server adds to the configurations in responses and never stores (jetstream-api.md section 2,
 * "Asset metadata").
 */
import { API_LEVEL } from '@rivulet/jetstream-core'

const SERVER_VERSION = '_nats.ver'
const SERVER_LEVEL = '_nats.level'

type Metadata = Readonly<Record<string, string>>

/** `stored` with version and level of the server. */
export function serverMetadata(stored: Metadata | undefined, version: string): Metadata {
  return { ...stored, [SERVER_VERSION]: version, [SERVER_LEVEL]: String(API_LEVEL) }
}
