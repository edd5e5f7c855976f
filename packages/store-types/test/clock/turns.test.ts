import { describe, expect, it } from 'vitest'
import { ManualTurns, TURN_ROUNDS_MAX, TurnLoop, type TurnPhase, type Turns } from '@rivulet/store-types'

describe('a turn', () => {
  it('runs the phases in order, tasks of a phase in the order they came', () => {
    const { turns, log, add } = recorder()
    add('send', 's')
    add('commit', 'c')
    add('append', 'a1')
    add('write', 'w')
    add('append', 'a2')

    turns.step()

    expect(log).toEqual(['a1', 'a2', 'w', 'c', 's'])
  })

  it('runs what a task schedules for a later phase in the same round, for an earlier one in the next', () => {
    const { turns, log, add } = recorder()
    add('write', 'w1', () => {
      add('append', 'a')
      add('commit', 'c')
      add('write', 'w2')
    })

    turns.step()

    expect(log).toEqual(['w1', 'c', 'a', 'w2'])
    expect(turns.isIdle).toBe(true)
  })

  it('leaves what goes on without end to the next turn', () => {
    const { turns, log, add } = recorder()
    const again = (): void => add('append', 'x', again)
    again()

    turns.step()

    expect(log.length).toBe(TURN_ROUNDS_MAX)
    expect(turns.isIdle).toBe(false)
  })

  it('runs the other tasks when one throws', () => {
    const errors: string[] = []
    const log: string[] = []
    const turns = new ManualTurns((error, phase) => errors.push(`${phase}: ${(error as Error).message}`))
    turns.schedule('write', { runTurn: () => fail('no') })
    turns.schedule('write', { runTurn: () => log.push('w') })

    turns.run()

    expect(errors).toEqual(['write: no'])
    expect(log).toEqual(['w'])
  })

  it('throws to a test what nobody took', () => {
    const turns = new ManualTurns()
    turns.schedule('send', { runTurn: () => fail('no') })

    expect(() => turns.run()).toThrow('no')
  })
})

describe('TurnLoop', () => {
  it('runs turns by itself, also for what is scheduled inside one', async () => {
    const log: string[] = []
    await new Promise<void>((resolve) => {
      const turns: Turns = new TurnLoop((error) => log.push(String(error)))
      turns.schedule('send', { runTurn: () => log.push('s') })
      turns.schedule('append', {
        runTurn: () => {
          log.push('a')
          let rounds = 0
          const again = { runTurn: () => (++rounds === 20 ? resolve() : turns.schedule('append', again)) }
          turns.schedule('append', again)
          throw new Error('x')
        },
      })
      log.push('now')
    })

    expect(log).toEqual(['now', 'a', 'Error: x', 's'])
  })
})

function recorder(): {
  turns: ManualTurns
  log: string[]
  add: (phase: TurnPhase, name: string, body?: () => void) => void
} {
  const turns = new ManualTurns()
  const log: string[] = []
  const add = (phase: TurnPhase, name: string, body?: () => void): void => {
    turns.schedule(phase, {
      runTurn: () => {
        log.push(name)
        body?.()
      },
    })
  }
  return { turns, log, add }
}

function fail(message: string): never {
  throw new Error(message)
}
