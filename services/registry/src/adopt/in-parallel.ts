/**
 * Does `work` for each of `items`, `width` at a time, in the order they come. The first failure is thrown once what
 * was under way has ended; nothing more is begun after it.
 */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let failure: { err: unknown } | undefined
  for await (const item of items) {
    if (failure !== undefined) break
    const one: Promise<void> = work(item)
      .catch((err) => {
        failure ??= { err }
      })
      .finally(() => running.delete(one))
    running.add(one)
    if (running.size >= width) await Promise.race(running)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.err
}

/** The items in groups of at most `size`. */
export async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let group: T[] = []
  for await (const item of items) {
    group.push(item)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
