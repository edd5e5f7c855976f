/**
 * What is kept of the keys for clusters, although none is served: clients are shown the name, and a
 * JetStream that was meant for a cluster must not start alone where nats-server would not start either.
 */
import type { ConfigMap, ConfigNode } from '../language/config-node.js'
import type { ClusterOptions } from '../options/server-options.js'
import type { Entry } from './field.js'

export function noteCluster({ node }: Entry, cluster: ClusterOptions): void {
  if (node.kind !== 'map') return
  const name = memberOf(node.value, 'name')
  if (name?.kind === 'string') cluster.name = name.value
  const routes = memberOf(node.value, 'routes')
  if (routes?.kind === 'list' && routes.value.length > 0) cluster.hasPeers = true
  const port = memberOf(node.value, 'port')
  const isPortSet = port?.kind === 'integer' && port.value !== 0
  if (isPortSet || memberOf(node.value, 'listen') !== undefined) cluster.isListening = true
}

export function noteLeafNodes({ node }: Entry, cluster: ClusterOptions): void {
  if (node.kind !== 'map') return
  const remotes = memberOf(node.value, 'remotes')
  if (remotes?.kind === 'list' && remotes.value.length > 0) cluster.hasPeers = true
}

function memberOf(values: ConfigMap, name: string): ConfigNode | undefined {
  for (const [key, node] of values) if (key.toLowerCase() === name) return node
  return undefined
}
