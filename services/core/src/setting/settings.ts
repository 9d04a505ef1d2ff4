import { type Queries, statement } from '@berth/db'
import { z } from 'zod'

/** The settings of the suite that core reads, by Harbor's names: their shape and what holds until one is stored. */
const SHAPES = {
  /** Minutes a registry token lives. */
  token_expiration: z
    .number()
    .int()
    .positive()
    .max(24 * 60)
    .default(30),
  /** Minutes a browser session lives after its last request. */
  session_timeout: z.number().int().positive().default(60),
  project_creation_restriction: z.enum(['everyone', 'adminonly']).default('everyone'),
  /** Bytes a new project may hold; -1 is without limit. */
  storage_per_project: z.number().int().min(-1).default(-1),
  robot_name_prefix: z.string().min(1).default('robot$'),
} as const

type SettingName = keyof typeof SHAPES
type SettingValue<N extends SettingName> = z.output<(typeof SHAPES)[N]>

export interface Settings {
  get<N extends SettingName>(name: N): SettingValue<N>
  /** Reads again what is stored. */
  refresh(): Promise<void>
}

const all = statement<{ key: string; value: unknown }>('settings-all', 'SELECT key, value FROM settings')

/** Keeps what is stored in mind; a value that no longer fits counts as not stored. */
export function createSettings(db: Queries): Settings {
  let stored = new Map<string, unknown>()
  return {
    get: (name) => {
      const parsed = SHAPES[name].safeParse(stored.get(name))
      return (parsed.success ? parsed.data : SHAPES[name].parse(undefined)) as never
    },
    refresh: async () => {
      stored = new Map((await db.run(all)).map(({ key, value }) => [key, value]))
    },
  }
}
