import { TooManyRequests } from '@berth/errors'

/** Lets one piece of work through at a time, in the order they came. */
export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>

/** @throws {TooManyRequests} from the turnstile: so many wait that this one would wait too long */
export function createTurnstile(options: { maxWaiting: number }): Turnstile {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return (work) => {
    if (waiting >= options.maxWaiting) {
      return Promise.reject(new TooManyRequests('too many sign-ins at once', { retryAfterSeconds: 2 }))
    }
    waiting++
    const turn = last.then(work).finally(() => waiting--)
    last = turn.catch(() => undefined)
    return turn
  }
}
