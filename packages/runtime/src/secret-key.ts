/** Keys that stand in examples; whoever has one of them has nothing. */
const EXAMPLES = new Set(
  ['0123456789abcdef0123456789abcdef', 'abcdefghijklmnopqrstuvwxyz012345', 'not-a-secure-key-not-a-secure-ke'].map(
    (text) => Buffer.from(text).toString('base64'),
  ),
)

/**
 * Whether 32 bytes in base64 are a key that chance could have made.
 *
 * @returns what is wrong with it, or undefined
 */
export function weaknessOfKey(text: string): string | undefined {
  const key = Buffer.from(text, 'base64')
  if (key.length !== 32) return 'must be 32 bytes in base64'
  if (EXAMPLES.has(key.toString('base64'))) return 'is a value from an example'
  // Chance makes fewer than 18 different values among 32 once in 10^15, and printable text alone once in 10^13.
  if (new Set(key).size < 18) return 'is too regular to be random'
  if (key.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is text, not 32 random bytes'
  if (key.every((byte, at) => at < 2 || byte - key[at - 1]! === key[at - 1]! - key[at - 2]!)) return 'only counts'
  return undefined
}
