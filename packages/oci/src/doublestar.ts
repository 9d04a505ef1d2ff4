import { BadRequest } from '@berth/errors'

/** One step of a pattern; a char matches itself, `star` any run inside a segment, `segments` any number of `x/`. */
type Token =
  | { kind: 'char'; char: string }
  | { kind: 'any' }
  | { kind: 'class'; has: (char: string) => boolean }
  | { kind: 'star' }
  | { kind: 'segments' }
  | { kind: 'rest' }

/** What a pattern may grow to when its alternatives are written out: as long as any list a person would keep. */
const MAX_EXPANDED = 16_384

/** BAD_REQUEST (400): the text is no pattern. */
export class PatternInvalid extends BadRequest {
  override name = 'PatternInvalid'

  constructor(pattern: string) {
    super(`not a pattern: ${pattern}`)
  }
}

/**
 * Compiles a pattern as Go's doublestar reads them: `*` and `?` within a segment, `**` alone in its segment for any
 * number of them, `[a-z]`, `[^a]`, `[!a]`, `{a,b}`, `\` before what means itself. It must match the whole text. The time
 * a match takes grows with the product of both lengths and with nothing else.
 *
 * @throws {PatternInvalid}
 * @see github.com/bmatcuk/doublestar, v4, "Patterns"
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const branches = expand(pattern).map((branch) => parseTokens(branch, pattern))
  return (text) => branches.some((tokens) => matches(tokens, text))
}

/**
 * How long a pattern is with its alternatives written out: what matching it costs for each char of a text, and about what
 * it takes in memory once compiled.
 *
 * @throws {PatternInvalid} unbalanced, or too many alternatives
 */
export function patternSize(pattern: string): number {
  return expand(pattern).reduce((size, branch) => size + branch.length, 0)
}

/** Writes out the alternatives. @throws {PatternInvalid} unbalanced, or too many */
function expand(pattern: string): string[] {
  const done: string[] = []
  const open = [pattern]
  let length = 0
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    length += text.length
    if (length > MAX_EXPANDED) throw new PatternInvalid(pattern)
    const start = indexOfUnescaped(text, '{')
    if (start === -1) {
      done.push(text)
      continue
    }
    const { options, end } = alternativesAt(text, start, pattern)
    for (const option of options.reverse()) open.push(text.slice(0, start) + option + text.slice(end + 1))
  }
  return done
}

function indexOfUnescaped(text: string, wanted: string): number {
  let inClass = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (inClass) inClass = text[at] !== ']'
    else if (text[at] === wanted) return at
    else inClass = text[at] === '['
  }
  return -1
}

/** The alternatives of the `{` at `start`, and where its `}` is. */
function alternativesAt(text: string, start: number, pattern: string): { options: string[]; end: number } {
  const options: string[] = []
  let depth = 0
  let from = start + 1
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '{') depth++
    else if (char === ',' && depth === 1) {
      options.push(text.slice(from, at))
      from = at + 1
    } else if (char === '}' && --depth === 0) {
      options.push(text.slice(from, at))
      return { options, end: at }
    }
  }
  throw new PatternInvalid(pattern)
}

function parseTokens(text: string, pattern: string): Token[] {
  const tokens: Token[] = []
  const chars = [...text]
  let at = 0
  while (at < chars.length) {
    const char = chars[at++] as string
    if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '[') {
      const { has, next } = classAt(chars, at, pattern)
      tokens.push({ kind: 'class', has })
      at = next
    } else if (char === '*') {
      const isFirst = at === 1 || (chars[at - 2] === '/' && chars[at - 3] !== '\\')
      const isDouble = chars[at] === '*'
      if (isDouble) at++
      if (isDouble && isFirst && at === chars.length) tokens.push({ kind: 'rest' })
      else if (isDouble && isFirst && chars[at] === '/') {
        tokens.push({ kind: 'segments' })
        at++
      } else tokens.push({ kind: 'star' })
    } else {
      const literal = char === '\\' ? chars[at++] : char
      if (literal === undefined) throw new PatternInvalid(pattern)
      tokens.push({ kind: 'char', char: literal })
    }
  }
  return tokens
}

/** The class whose first char is at `start`, and where the pattern goes on. */
function classAt(
  chars: readonly string[],
  start: number,
  pattern: string,
): { has: (char: string) => boolean; next: number } {
  const isNegated = chars[start] === '^' || chars[start] === '!'
  const ranges: [number, number][] = []
  let at = isNegated ? start + 1 : start
  const take = (): number => {
    if (chars[at] === '\\') at++
    const code = chars[at++]?.codePointAt(0)
    if (code === undefined) throw new PatternInvalid(pattern)
    return code
  }
  while (chars[at] !== ']') {
    const low = take()
    const isRange = chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined
    if (isRange) at++
    ranges.push([low, isRange ? take() : low])
  }
  if (ranges.length === 0) throw new PatternInvalid(pattern)
  const has = (char: string) => {
    const code = char.codePointAt(0) ?? 0
    return ranges.some(([low, high]) => low <= code && code <= high) !== isNegated
  }
  return { has, next: at + 1 }
}

/** Follows every way through the pattern at once, so that no text makes it go back. */
function matches(tokens: readonly Token[], text: string): boolean {
  // A state is a token to be matched next; inside[i]: within a segment that token i, `segments`, passes over.
  let states = new Uint8Array(tokens.length + 1)
  let inside = new Uint8Array(tokens.length + 1)
  enter(tokens, states, 0)
  for (const char of text) {
    const nextStates = new Uint8Array(tokens.length + 1)
    const nextInside = new Uint8Array(tokens.length + 1)
    for (const [i, token] of tokens.entries()) {
      if (states[i] === 1) step(tokens, i, token, char, nextStates, nextInside)
      if (inside[i] === 1) pass(tokens, i, char, nextStates, nextInside)
    }
    states = nextStates
    inside = nextInside
  }
  return states.some((isHere, i) => isHere === 1 && isEmptyRest(tokens, i))
}

function step(
  tokens: readonly Token[],
  i: number,
  token: Token,
  char: string,
  states: Uint8Array,
  inside: Uint8Array,
): void {
  if (token.kind === 'rest') states[i] = 1
  else if (token.kind === 'segments') pass(tokens, i, char, states, inside)
  else if (token.kind === 'star') {
    if (char !== '/') enter(tokens, states, i)
  } else if (isOne(token, char)) enter(tokens, states, i + 1)
}

function isOne(token: Extract<Token, { kind: 'char' | 'any' | 'class' }>, char: string): boolean {
  if (token.kind === 'char') return token.char === char
  return token.kind === 'any' ? char !== '/' : token.has(char)
}

function pass(tokens: readonly Token[], i: number, char: string, states: Uint8Array, inside: Uint8Array): void {
  if (char === '/') enter(tokens, states, i)
  else inside[i] = 1
}

/** Marks a state and those reached from it without a char. */
function enter(tokens: readonly Token[], states: Uint8Array, from: number): void {
  for (let i = from; states[i] !== 1; i++) {
    states[i] = 1
    const kind = tokens[i]?.kind
    if (kind !== 'star' && kind !== 'segments') return
  }
}

/** Nothing, `*`, `**`, and `/**` or `**` + `/` after a directory that may itself be meant. */
function isEmptyRest(tokens: readonly Token[], from: number): boolean {
  const [first, second, third] = tokens.slice(from, from + 3)
  if (first === undefined) return true
  if (second === undefined) return first.kind === 'star' || first.kind === 'rest' || first.kind === 'segments'
  const isSeparator = first.kind === 'char' && first.char === '/'
  return isSeparator && third === undefined && (second.kind === 'rest' || second.kind === 'segments')
}
