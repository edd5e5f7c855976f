/**
 * StreamInfo as the API writes it (jetstream-api.md section 11). `domain` and `cluster` appear in some responses
 * only, which say so.
 */
import { formatRfc3339, streamConfigToJson, streamStateToJson } from '@rivulet/store-types'
import type { Stream } from '@rivulet/jetstream-core'
import type { Members, ServerFacts } from '../calls/api-call.js'
import { serverMetadata } from './server-metadata.js'

export type StreamInfoOptions = Readonly<{
  /** adds version and level of the server to the configuration's metadata; lists do not */
  hasServerMetadata: boolean
  hasDomain: boolean
  hasCluster: boolean
  /** lists removed sequences */
  hasDeleted?: boolean
  /** messages per subject (text) */
  subjects?: ReadonlyMap<string, number>
}>

export function streamInfoMembers(stream: Stream, server: ServerFacts, options: StreamInfoOptions): Members {
  const { config } = stream
  const metadata = options.hasServerMetadata ? serverMetadata(config.metadata, server.version) : config.metadata
  return {
    config: streamConfigToJson(metadata === undefined ? config : { ...config, metadata }),
    created: formatRfc3339(stream.created),
    state: streamStateToJson(stream.state(options.hasDeleted === true), options.subjects),
    domain: options.hasDomain ? server.domain : undefined,
    cluster: options.hasCluster ? { name: server.clusterName, leader: server.serverName } : undefined,
    ts: formatRfc3339(server.clock.wallNanos()),
  }
}
