import { whatIsWrong } from './check-answer.ts'
import { type Known, malformedRequest } from './malformed-request.ts'
import { sendRaw } from './raw-http.ts'
import { seeded } from './seeded.ts'

const WIDTH = 4
const SESSION_LASTS = 25

/**
 * Asks a registry `rounds` times for what is malformed in one way or another, the same for the same seed. Answers one
 * line for each answer that should not have been given, and how often each status came.
 */
export async function askMalformed(options: {
  url: string
  seed: number
  rounds: number
  known: Omit<Known, 'sessions'>
  /** Answers the path of a new upload session. */
  openSession: () => Promise<string>
  authorization: string
}): Promise<{ wrong: string[]; statuses: Map<number, number> }> {
  const { url, seed, rounds, openSession, authorization } = options
  const known = { ...options.known, sessions: [await openSession(), await openSession()] }
  const wrong: string[] = []
  const statuses = new Map<number, number>()
  let next = 0
  const askOn = async () => {
    for (let round = next++; round < rounds; round = next++) {
      if (round % SESSION_LASTS === 0) known.sessions = [await openSession(), ...known.sessions.slice(0, 1)]
      const request = malformedRequest(seeded(seed * 1_000_003 + round), known)
      const answer = await sendRaw(url, request, { authorization })
      statuses.set(answer?.status ?? 0, (statuses.get(answer?.status ?? 0) ?? 0) + 1)
      const what = whatIsWrong(request, answer)
      if (what !== undefined) wrong.push(`seed ${seed}, round ${round}: ${what}: ${textOf(request)}`)
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, askOn))
  return { wrong, statuses }
}

function textOf({ method, target, headers, body, isTorn }: ReturnType<typeof malformedRequest>): string {
  const shown = [method, target, JSON.stringify(headers), JSON.stringify(body.toString('latin1').slice(0, 500))]
  return `${isTorn ? 'half of ' : ''}${shown.join(' ').slice(0, 1_500)}`
}
