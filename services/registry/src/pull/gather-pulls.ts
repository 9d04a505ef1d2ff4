/** One GET of a manifest that was answered with it. */
export interface Pull {
  projectId: number
  repositoryId: number
  /** `library/nginx` */
  repository: string
  manifestId: number
  digest: string
  mediaType: string
  /** What it was pulled by; absent: by its digest. */
  tag?: string
  /** The account; absent: nobody in particular. */
  actor?: string
  /** Of the client; of those gathered, of the last. */
  address?: string
}

/** The same pull by the same actor, so many times. */
export interface Gathered extends Pull {
  count: number
  /** Of the last of them. */
  pulledAt: Date
}

/** Pulls that wait to be written down, one entry for each artifact, tag and actor. */
export interface GatheredPulls {
  /** How many pulls are in it. */
  readonly count: number
  /** False when it is full and this one is not in it. */
  add(pull: Pull, times: number, at: Date): boolean
  /** Takes all out of it. */
  take(): Gathered[]
}

/** @param maxEntries how many different pulls it holds at most */
export function gatherPulls(maxEntries: number): GatheredPulls {
  let entries = new Map<string, Gathered>()
  let count = 0
  return {
    get count() {
      return count
    },
    add(pull, times, at) {
      const key = `${pull.manifestId} ${pull.tag ?? ''} ${pull.actor ?? ''}`
      const known = entries.get(key)
      if (known === undefined && entries.size >= maxEntries) return false
      count += times
      if (known === undefined) entries.set(key, { ...pull, count: times, pulledAt: at })
      else {
        known.count += times
        if (at > known.pulledAt) {
          known.pulledAt = at
          known.address = pull.address
        }
      }
      return true
    },
    take() {
      const taken = [...entries.values()]
      entries = new Map()
      count = 0
      return taken
    },
  }
}
