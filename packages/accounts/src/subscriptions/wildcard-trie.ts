/**
 * Subscriptions with wildcards, as a tree of tokens. Literal ones are not here: they are found by their
 * whole subject in one step.
 */
import type { Subscription, SubscriptionPlace } from './subscription.js'

/** Those that end at one place of the tree. */
class Leaf implements SubscriptionPlace {
  readonly subscriptions: Subscription[] = []
}

class Node {
  /** By literal token. */
  literals: Map<string, Node> | undefined
  star: Node | undefined
  /** Patterns that end here. */
  leaf: Leaf | undefined
  /** Patterns that end here with `>`. */
  full: Leaf | undefined
  /** How many of `literals` have a leaf. */
  literalLeafCount = 0

  get isEmpty(): boolean {
    return this.leaf === undefined && this.full === undefined && this.star === undefined && this.literals === undefined
  }

  get hasChildren(): boolean {
    return this.star !== undefined || this.literals !== undefined
  }
}

/** What a walk along the tokens of a prefix found. */
export type PrefixMatch = Readonly<{
  /** Subscriptions that get every subject with exactly one further token, whatever it is. */
  leaves: readonly SubscriptionPlace[]
  /** False: some further tokens have subscriptions of their own. */
  isUniform: boolean
  /** Number of tokens after which nothing but `>` was left, so that all that follows is the same; -1: never. */
  deepTokenCount: number
}>

export class WildcardTrie {
  readonly #root = new Node()
  #count = 0

  get count(): number {
    return this.#count
  }

  insert(subscription: Subscription): void {
    const tokens = subscription.subject.split('.')
    const isFull = tokens.at(-1) === '>'
    let node = this.#root
    const last = isFull ? tokens.length - 1 : tokens.length
    for (let i = 0; i < last; i++) {
      const token = tokens[i] as string
      const parent = node
      if (token === '*') node = parent.star ??= new Node()
      else {
        parent.literals ??= new Map()
        node = parent.literals.get(token) ?? new Node()
        parent.literals.set(token, node)
        if (i === tokens.length - 1 && node.leaf === undefined) parent.literalLeafCount++
      }
    }
    const leaf = isFull ? (node.full ??= new Leaf()) : (node.leaf ??= new Leaf())
    subscription.place = leaf
    subscription.placeIndex = leaf.subscriptions.push(subscription) - 1
    this.#count++
  }

  /** The subscription has left its place; empty places and nodes go. */
  removed(subscription: Subscription): void {
    this.#count--
    if ((subscription.place?.subscriptions.length ?? 0) === 0) this.#prune(this.#root, subscription.subject.split('.'), 0)
  }

  /** All places whose patterns match the literal subject. */
  match(tokens: readonly string[]): SubscriptionPlace[] {
    const found: SubscriptionPlace[] = []
    matchNode(this.#root, tokens, 0, found)
    return found
  }

  /** What subjects that begin with these tokens have in common. */
  matchPrefix(tokens: readonly string[]): PrefixMatch {
    const leaves: SubscriptionPlace[] = []
    let nodes: Node[] = [this.#root]
    let deepTokenCount = -1
    for (let depth = 0; ; depth++) {
      for (const node of nodes) if (node.full) leaves.push(node.full)
      if (!nodes.some((node) => node.hasChildren)) deepTokenCount = depth
      if (depth === tokens.length || deepTokenCount >= 0) break
      nodes = nodes.flatMap((node) => stepsOf(node, tokens[depth] as string))
    }
    let isUniform = true
    if (deepTokenCount < 0) {
      for (const node of nodes) {
        if (node.star?.leaf) leaves.push(node.star.leaf)
        if (node.literalLeafCount > 0) isUniform = false
      }
    }
    return { leaves, isUniform, deepTokenCount }
  }

  /** Could a pattern match a subject that begins with these tokens and goes on? */
  reachesBelow(tokens: readonly string[]): boolean {
    let nodes: Node[] = [this.#root]
    for (const token of tokens) {
      if (nodes.some((node) => node.full)) return true
      nodes = nodes.flatMap((node) => stepsOf(node, token))
    }
    return nodes.some((node) => node.full !== undefined || node.hasChildren)
  }

  *values(): IterableIterator<Subscription> {
    const nodes = [this.#root]
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.leaf) yield* node.leaf.subscriptions
      if (node.full) yield* node.full.subscriptions
      if (node.star) nodes.push(node.star)
      if (node.literals) nodes.push(...node.literals.values())
    }
  }

  /** Takes away the empty leaf at the end of the path, then nodes that hold nothing. */
  #prune(node: Node, tokens: readonly string[], depth: number): void {
    const token = tokens[depth] as string
    const isLast = depth === tokens.length - 1
    if (isLast && token === '>') {
      node.full = undefined
      return
    }
    const child = token === '*' ? node.star : node.literals?.get(token)
    if (child === undefined) return
    if (isLast) child.leaf = undefined
    else this.#prune(child, tokens, depth + 1)
    if (isLast && token !== '*') node.literalLeafCount--
    if (!child.isEmpty) return
    if (token === '*') node.star = undefined
    else if (node.literals?.delete(token) && node.literals.size === 0) node.literals = undefined
  }
}

function stepsOf(node: Node, token: string): Node[] {
  const literal = node.literals?.get(token)
  if (literal === undefined) return node.star === undefined ? [] : [node.star]
  return node.star === undefined ? [literal] : [literal, node.star]
}

function matchNode(node: Node, tokens: readonly string[], depth: number, found: SubscriptionPlace[]): void {
  if (depth === tokens.length) {
    if (node.leaf) found.push(node.leaf)
    return
  }
  if (node.full) found.push(node.full)
  const literal = node.literals?.get(tokens[depth] as string)
  if (literal) matchNode(literal, tokens, depth + 1, found)
  if (node.star) matchNode(node.star, tokens, depth + 1, found)
}
