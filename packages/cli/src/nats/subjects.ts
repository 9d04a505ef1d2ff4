import { ASKS, type Ask, EVENTS } from '@berth/types'
import { UsageError } from '../exit.ts'

/**
 * The asks a program outside may be given. Writes only when asked for by name and flag; and never one that is
 * answered on the word of the calling service alone, where no token says whose rights count.
 *
 * @throws {UsageError} unknown, or not for programs outside
 */
export function checkAsks(subjects: readonly string[], options: { allowWrite: boolean }): Ask[] {
  return subjects.map((subject) => {
    const ask = ASKS.find((one) => one.subject === subject)
    if (!ask)
      throw unknown(
        subject,
        ASKS.filter((one) => !believesItsCaller(one) && (one.effect === 'read' || options.allowWrite)),
      )
    if (believesItsCaller(ask)) throw new UsageError(`${subject} is for services of the suite alone`)
    if (ask.effect === 'write' && !options.allowWrite)
      throw new UsageError(`${subject} changes something: grant it with --allow-write`)
    return ask
  })
}

/** What changes something, and what the registry tells of content, to who has judged the asker already. */
function believesItsCaller({ caller, effect, service, noun }: Ask): boolean {
  return caller === 'service' && (effect === 'write' || (service === 'registry' && noun !== 'health'))
}

/** @throws {UsageError} nobody tells such an event */
export function checkEvents(subjects: readonly string[]): string[] {
  for (const subject of subjects) {
    if (!EVENTS.some((event) => event.subject === subject)) throw unknown(subject, EVENTS)
  }
  return [...new Set(subjects)]
}

function unknown(subject: string, known: readonly { subject: string }[]): UsageError {
  const near = nearest(
    subject,
    known.map((one) => one.subject),
  )
  return new UsageError(`nobody knows the subject ${subject}; the nearest are ${near.join(', ')}`)
}

/** The three that share the most words with it, whatever their place; among equals those of like length. */
export function nearest(subject: string, known: readonly string[]): string[] {
  const words = wordsOf(subject)
  const score = (other: string) => {
    const others = wordsOf(other)
    const shared = others.filter((word) => words.some((mine) => mine === word || isClose(mine, word))).length
    return shared - Math.abs(others.length - words.length) / 10 - Math.abs(other.length - subject.length) / 1_000
  }
  return known.toSorted((a, b) => score(b) - score(a)).slice(0, 3)
}

function wordsOf(subject: string): string[] {
  return subject.toLowerCase().split(/[.\s]/)
}

/** `tags` and `tag`, `delete` and `deleted`, `artefact` and `artifact`. */
function isClose(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length)
  if (length < 3 || Math.abs(a.length - b.length) > 2) return false
  const same = [...a].filter((letter, at) => letter === b[at]).length
  return same >= length - 1
}
