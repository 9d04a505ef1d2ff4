import type { RegistryClient } from '../registry-client.ts'
import { type Belief, pullTag } from './oracle.ts'
import { push, send, Unsure, Wrong } from './pusher.ts'
import type { Random } from './random.ts'
import type { Thing } from './universe.ts'

const TAGS = ['a', 'b', 'c'] as const

export interface ActorParts {
  /** Its own repository: nobody else changes it. */
  name: string
  /** Those of the others. */
  others: readonly string[]
  things: readonly Thing[]
  random: Random
  /** A client of some replica that is up; another one each time. */
  client(name: string): RegistryClient
  /** Copies what a tag of another repository names to its own, as core has it done. @throws {Unsure} */
  copy(from: string, tag: string, to: string): Promise<void>
}

/** One who pushes, tags, copies, untags and deletes at random, and knows what must be there. */
export class Actor {
  readonly belief: Belief = new Map(TAGS.map((tag) => [tag, new Set([undefined])]))
  /** How often each thing was done to its end. */
  readonly done: Record<string, number> = {}
  readonly #parts: ActorParts
  readonly #byDigest: ReadonlyMap<string, Thing>

  constructor(parts: ActorParts) {
    this.#parts = parts
    this.#byDigest = new Map(
      parts.things.flatMap((thing) => [thing, ...thing.children]).map((one) => [one.digest, one]),
    )
  }

  /** @throws {Wrong} the registry lost something or answered what it must not */
  async act(): Promise<void> {
    const { random } = this.#parts
    const chance = random.below(100)
    const [what, work] =
      chance < 42
        ? ['push', this.#push]
        : chance < 50
          ? ['retag', this.#retag]
          : chance < 70
            ? ['untag', this.#untag]
            : chance < 85
              ? ['delete', this.#delete]
              : chance < 91
                ? ['copy', this.#copy]
                : ['pull', this.#pull]
    try {
      await work.call(this, random.pick(TAGS))
      this.done[what as string] = (this.done[what as string] ?? 0) + 1
    } catch (err) {
      if (!(err instanceof Unsure)) throw err
    }
  }

  /** Pulls everything it believes alive. @throws {Wrong} */
  async checkAll(): Promise<void> {
    for (const tag of TAGS) await this.#pull(tag)
  }

  /** Takes everything away. */
  async leave(): Promise<void> {
    for (const tag of TAGS) {
      const gone = await send(this.#client(), `manifests/${tag}`, { method: 'DELETE' })
      if (gone.status !== 202 && gone.status !== 404) throw new Wrong(`${gone.status} for a DELETE of a tag`)
      this.#know(tag, undefined)
    }
  }

  async #push(tag: string): Promise<void> {
    const thing = this.#parts.random.pick(this.#parts.things)
    this.#maybe(tag, thing.digest)
    const parts = { client: this.#client(), random: this.#parts.random, others: this.#parts.others }
    if (await push(parts, thing, tag)) this.#know(tag, thing.digest)
  }

  /** It brings its tags along, which are those of the other: any of ours may name anything then. */
  async #copy(from: string): Promise<void> {
    for (const tag of TAGS) for (const { digest } of this.#parts.things) this.#maybe(tag, digest)
    await this.#parts.copy(this.#parts.random.pick(this.#parts.others), from, this.#parts.name)
    for (const tag of TAGS) await this.#pull(tag)
  }

  /** Another tag for what one names, as `crane tag` does. */
  async #retag(from: string): Promise<void> {
    const digest = this.#sure(from)
    const thing = digest === undefined ? undefined : this.#byDigest.get(digest)
    if (thing === undefined) return
    const tag = this.#parts.random.pick(TAGS)
    this.#maybe(tag, thing.digest)
    const put = await send(this.#client(), `manifests/${tag}`, {
      method: 'PUT',
      body: thing.manifest as Buffer<ArrayBuffer>,
      headers: { 'content-type': thing.type },
    })
    // Its bytes are referred to all the time.
    if (put.status !== 201) throw new Wrong(`${put.status} for a tag on what is tagged already`)
    this.#know(tag, thing.digest)
  }

  async #untag(tag: string): Promise<void> {
    this.#maybe(tag, undefined)
    const gone = await send(this.#client(), `manifests/${tag}`, { method: 'DELETE' })
    if (gone.status !== 202 && gone.status !== 404) throw new Wrong(`${gone.status} for a DELETE of a tag`)
    this.#know(tag, undefined)
  }

  async #delete(tag: string): Promise<void> {
    const digest = this.#sure(tag)
    if (digest === undefined) return
    for (const [other, may] of this.belief) if (may.has(digest)) this.#maybe(other, undefined)
    const gone = await send(this.#client(), `manifests/${digest}`, { method: 'DELETE' })
    // 412: an index names it.
    if (gone.status === 412) return
    if (gone.status !== 202) throw new Wrong(`${gone.status} for a DELETE of what is tagged`)
    for (const may of this.belief.values()) may.delete(digest)
    for (const may of this.belief.values()) if (may.size === 0) may.add(undefined)
  }

  async #pull(tag: string): Promise<void> {
    const may = this.belief.get(tag) ?? new Set()
    this.#know(tag, await pullTag(this.#client(), tag, may, this.#byDigest))
  }

  #client(): RegistryClient {
    return this.#parts.client(this.#parts.name)
  }

  #know(tag: string, digest: string | undefined): void {
    const isFleeting = digest !== undefined && this.#byDigest.get(digest)?.subject !== undefined
    this.belief.set(tag, new Set(isFleeting ? [digest, undefined] : [digest]))
  }

  #maybe(tag: string, digest: string | undefined): void {
    this.belief.get(tag)?.add(digest)
  }

  /** What a tag names, if there is no doubt. */
  #sure(tag: string): string | undefined {
    const may = [...(this.belief.get(tag) ?? [])]
    return may.length === 1 ? may[0] : undefined
  }
}
