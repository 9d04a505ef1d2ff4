import { z } from 'zod'

/** What the registry must know of a project to enforce its policy; owned by core, kept in the registry's table. */
export const RegistryProject = z.object({
  id: z.number().int().positive(),
  name: z.string().min(1).max(255),
  kind: z.enum(['local', 'proxy']),
  state: z.enum(['open', 'deleting', 'deleted']),
  public: z.boolean(),
  /** Raised when who may do what changes; a token that carries an older one is refused. */
  accessRevision: z.number().int().nonnegative(),
  /** Bytes; -1 is without limit. */
  quotaLimitBytes: z.number().int().min(-1),
  /** Raised by every change; an older one is ignored. */
  revision: z.number().int().nonnegative(),
})
export type RegistryProject = z.output<typeof RegistryProject>
