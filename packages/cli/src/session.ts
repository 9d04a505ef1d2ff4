import type { Command } from 'commander'
import { type Api, openApi } from './api.ts'
import { resolveTarget, type Target } from './context/target.ts'
import { UsageError } from './exit.ts'
import { type Output, openTerminal, type Terminal, type World } from './terminal.ts'

/** What every command has at hand. */
export interface Session {
  world: World
  terminal: Terminal
  target(): Promise<Target>
  api(): Promise<Api>
}

interface GlobalOptions {
  output?: Output
  context?: string
}

/** `outputs`: what the command can print itself as. */
export function openSession(world: World, command: Command, outputs: readonly Output[] = ['table', 'json']): Session {
  const { output = 'table', context } = command.optsWithGlobals<GlobalOptions>()
  if (!outputs.includes(output)) throw new UsageError(`-o ${output} is not for this command: ${outputs.join(', ')}`)
  let resolved: Promise<Target> | undefined
  const target = () => {
    resolved ??= resolveTarget(world, context)
    return resolved
  }
  return { world, terminal: openTerminal(world, output), target, api: async () => openApi(await target()) }
}
