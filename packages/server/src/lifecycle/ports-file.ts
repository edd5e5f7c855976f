/**
 * The file that tells launchers where a server listens (server-contract.md section 6):
 * `<folder>/<executable>_<pid>.ports`, JSON lists of URLs, members of listeners that do not exist left out.
 */
export type ListenerAddress = Readonly<{ scheme: string; host: string; port: number }>

export type ListenerAddresses = Readonly<{ nats?: ListenerAddress; monitoring?: ListenerAddress }>

/**
 * @param interfaceAddresses addresses of this machine, for listeners bound to all of them; IPv4 comes first,
 * 127.0.0.1 before all, because readers take the first URL.
 */
export function portsFileText(addresses: ListenerAddresses, interfaceAddresses: readonly string[]): string {
  const members: Record<string, string[]> = {}
  for (const [name, address] of Object.entries(addresses)) {
    const { scheme, port } = address
    members[name] = hostsOf(address.host, interfaceAddresses).map((host) => `${scheme}://${urlHost(host)}:${port}`)
  }
  return JSON.stringify(members)
}

function hostsOf(host: string, interfaceAddresses: readonly string[]): string[] {
  if (host !== '0.0.0.0' && host !== '::' && host !== '') return [host]
  const v4 = interfaceAddresses.filter((address) => !address.includes(':'))
  const v6 = interfaceAddresses.filter((address) => address.includes(':'))
  const rest = host === '0.0.0.0' ? v4 : [...v4, ...v6]
  return ['127.0.0.1', ...rest.filter((address) => address !== '127.0.0.1')]
}

/** IPv6 addresses stand in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
