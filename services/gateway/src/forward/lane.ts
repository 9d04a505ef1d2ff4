import type { IncomingMessage, ServerResponse } from 'node:http'
import { Crossing } from './crossing.ts'
import type { Passing } from './forward.ts'
import { Link } from './link.ts'
import type { Limits, Target } from './target.ts'

const MAX_IDLE = 256

/** The way of requests without a body: over connections of ours that are kept, past every stream and parser of Node. */
export interface Lane {
  /** As `Forwarder.forward`, for a GET or HEAD without a body. */
  pass(req: IncomingMessage, res: ServerResponse, target: Target, passing: Passing): Promise<void>
  close(): void
}

export function createLane(limits: Limits): Lane {
  const idle = new Map<string, Link[]>()

  function idleAt({ hostname, port }: Target): Link[] {
    const key = `${hostname} ${port}`
    const links = idle.get(key) ?? []
    idle.set(key, links)
    return links
  }

  function open(target: Target, links: Link[]): Link {
    return new Link(target, (link) => {
      const at = links.indexOf(link)
      if (at >= 0) links.splice(at, 1)
    })
  }

  /** The one used last: those not needed for a while are closed by the service. */
  function takeIdle(links: Link[]): Link | undefined {
    for (let link = links.pop(); link !== undefined; link = links.pop()) if (link.isOpen) return link
    return undefined
  }

  return {
    pass(req, res, target, passing) {
      const links = idleAt(target)
      const link = takeIdle(links) ?? open(target, links)
      const onFree = () => {
        if (link.isOpen && links.length < MAX_IDLE) links.push(link)
        else link.destroy()
      }
      return new Promise((resolve, reject) => {
        new Crossing({ req, res, passing, link, limits, onFree, resolve, reject }).begin()
      })
    },
    close: () => {
      for (const links of idle.values()) for (const link of [...links]) link.destroy()
    },
  }
}
