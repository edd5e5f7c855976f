/** The page at the root: what there is to look at. */
import type { MonitoredServer } from '../monitored-server.js'

const PAGES: readonly (readonly [path: string, title: string])[] = [
  ['varz', 'General'],
  ['jsz', 'JetStream'],
  ['connz', 'Connections'],
  ['accountz', 'Accounts'],
  ['accstatz', 'Account statistics'],
  ['subsz', 'Subscriptions'],
  ['routez', 'Routes'],
  ['leafz', 'Leaf nodes'],
  ['gatewayz', 'Gateways'],
  ['raftz', 'Raft groups'],
  ['healthz', 'Health'],
]

export function rootPage(server: MonitoredServer): string {
  const base = server.options.httpBasePath
  const links = PAGES.map(([path, title]) => `      <li><a href="${escaped(base)}/${path}">${title}</a></li>`)
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${escaped(server.name)}</title>
  </head>
  <body>
    <h1>Rivulet ${escaped(server.rivuletVersion)}</h1>
    <p>${escaped(server.name)}, which answers as nats-server ${escaped(server.version)}</p>
    <ul>
${links.join('\n')}
    </ul>
  </body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
