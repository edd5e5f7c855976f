/**
 * The monitoring pages of one server: a path and a query in, an answer out. No sockets and no state but
 * the count of requests; the HTTP method is not looked at, as in nats-server.
 */
import type { JsonWritable } from '@rivulet/store-types'
import { accountz, accstatz } from './accounts/accountz.js'
import { subsz } from './accounts/subsz.js'
import { connz } from './connections/connz.js'
import { BadRequestError, htmlAnswer, jsonAnswer, type MonitorAnswer, textAnswer } from './http/answer.js'
import { healthz } from './jetstream/healthz.js'
import { jsz } from './jetstream/jsz.js'
import type { MonitoredServer } from './monitored-server.js'
import { gatewayz, ipqueuesz, leafz, raftz, routez } from './server/links.js'
import { rootPage } from './server/root-page.js'
import { varz } from './server/varz.js'

export type MonitorRequest = Readonly<{
  /** As it stands in the request line, without the query. */
  path: string
  query: URLSearchParams
}>

type Page = (server: MonitoredServer, query: URLSearchParams) => JsonWritable

const JSON_PAGES: ReadonlyMap<string, Page> = new Map([
  ['/connz', connz],
  ['/subsz', subsz],
  ['/accountz', accountz],
  ['/accstatz', accstatz],
  ['/jsz', jsz],
  ['/leafz', leafz],
  ['/routez', routez],
  ['/gatewayz', gatewayz],
  ['/ipqueuesz', ipqueuesz],
])

export class Monitor {
  readonly #server: MonitoredServer
  readonly #requests = new Map<string, number>()

  constructor(server: MonitoredServer) {
    this.#server = server
  }

  /** Answers one request. What is wrong with a request is part of the answer; nothing is thrown for it. */
  handle({ path, query }: MonitorRequest): MonitorAnswer {
    const page = this.#pageOf(path)
    if (page === undefined) return textAnswer(404, '404 page not found\n')
    try {
      return this.#answer(page, query)
    } catch (error) {
      if (error instanceof BadRequestError) return textAnswer(400, error.message)
      throw error
    }
  }

  /** The path below the configured base path; the root is `/`. Undefined outside of it. */
  #pageOf(path: string): string | undefined {
    const base = this.#server.options.httpBasePath
    if (!path.startsWith(base)) return undefined
    const page = path.slice(base.length)
    if (page === '') return '/'
    // Below a base path the root has no slash of its own.
    if (page === '/') return base === '' ? '/' : undefined
    return page === '/subscriptionsz' ? '/subsz' : page
  }

  #answer(page: string, query: URLSearchParams): MonitorAnswer {
    const json = JSON_PAGES.get(page)
    if (json !== undefined) {
      this.#count(page)
      return jsonAnswer(json(this.#server, query))
    }
    switch (page) {
      case '/':
        this.#count(page)
        return htmlAnswer(rootPage(this.#server))
      case '/varz':
        this.#count(page)
        return jsonAnswer(varz(this.#server, this.#requests))
      case '/healthz':
        this.#count(page)
        return healthz(this.#server, query)
      case '/raftz':
        return raftz()
      case '/stacksz':
        return jsonAnswer({})
      case '/debug/vars':
        return this.#debugVars()
      default:
        return textAnswer(404, '404 page not found\n')
    }
  }

  #debugVars(): MonitorAnswer {
    const { memoryBytes } = this.#server.processUsage()
    const { headers, ...answer } = jsonAnswer({ cmdline: [], memstats: { Sys: memoryBytes } })
    return { ...answer, headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' } }
  }

  #count(page: string): void {
    this.#requests.set(page, (this.#requests.get(page) ?? 0) + 1)
  }
}
