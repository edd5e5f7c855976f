/** Puts given flags into effect: actions before the configuration file is read, options after it. */
import type { ServerOptions } from '../options/server-options.js'
import { type FlagActions, noActions } from './flag-table.js'
import type { GivenFlag } from './parse-flags.js'

export function actionsOf(given: readonly GivenFlag[]): FlagActions {
  const actions = noActions()
  for (const { flag, value } of given) {
    if (flag.kind === 'action-boolean') flag.set(actions, value as boolean)
    if (flag.kind === 'action-text') flag.set(actions, value as string)
  }
  return actions
}

const COMBINED = ['DV', 'DVV', 'VV'] // in the order in which they win over the single ones, and each other

/** Flags win over the file, wherever they stand on the line. */
export function applyFlags(given: readonly GivenFlag[], options: ServerOptions): void {
  for (const entry of given) if (!COMBINED.includes(entry.name)) applyFlag(entry, options)
  for (const name of COMBINED) {
    const last = given.findLast((entry) => entry.name === name)
    if (last !== undefined) applyFlag(last, options)
  }
}

function applyFlag({ flag, value }: GivenFlag, options: ServerOptions): void {
  if (flag.kind === 'boolean') flag.set(options, value as boolean)
  if (flag.kind === 'integer') flag.set(options, value as number)
  if (flag.kind === 'text') flag.set(options, value as string)
}
