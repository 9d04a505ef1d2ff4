import type { Command } from 'commander'
import type { World } from '../terminal.ts'
import { adoptCommand } from './adopt-command.ts'
import { upkeepCommands } from './upkeep-commands.ts'

/** `berth registry adopt|gc|scrub|fsck`: what an operator does to what the registry keeps. */
export function registryCommands(program: Command, world: World): void {
  const registry = program
    .command('registry')
    .description("what the registry keeps: take over another registry's storage, collect garbage, check it")
  adoptCommand(registry, world)
  upkeepCommands(registry, world)
}
