import { z } from 'zod'

/** How far a command of a service has come. */
export const CommandProgress = z.object({
  /** What it is at, as a person says it: `adopting library/nginx`. */
  step: z.string(),
  done: z.number().nonnegative(),
  /** Absent while nobody knows. */
  total: z.number().nonnegative().optional(),
  /** What `done` and `total` count: `repositories`, `blobs`, `bytes`. */
  unit: z.string(),
  /** What else it has counted so far; names that end in `Bytes` are bytes. */
  counts: z.record(z.string(), z.number()).default({}),
})
export type CommandProgress = z.output<typeof CommandProgress>

/** One thing that needs a look. */
export const CommandFinding = z.object({ what: z.string(), name: z.string(), why: z.string() })
export type CommandFinding = z.output<typeof CommandFinding>

/** What a command has done, when it is over. */
export const CommandReport = z.object({
  /** In the order they are shown; names that end in `Bytes` are bytes. */
  figures: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  /** At most as many as a person reads; a figure says how many there are. */
  findings: z.array(CommandFinding).default([]),
  remarks: z.array(z.string()).default([]),
  /** Names of projects that must be made before it can go on; it has done nothing else. */
  missingProjects: z.array(z.string()).optional(),
})
export type CommandReport = z.output<typeof CommandReport>

/** One line of JSON a command of a service writes to stdout; lines of another shape are its log. */
export const CommandLine = z.union([
  z.strictObject({ progress: CommandProgress }),
  z.strictObject({ report: CommandReport }),
])
export type CommandLine = z.output<typeof CommandLine>
